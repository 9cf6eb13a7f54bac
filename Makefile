# Countersign. `make run` and `make test` do all of their own set-up; `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Where the demo listens and keeps its data: make run ADDR=127.0.0.1:4000 DATA_DIR=/tmp/demo
PORT ?= 3000
ADDR ?= 127.0.0.1:$(PORT)
DATA_DIR ?= .data

TARGET := $(or $(CARGO_TARGET_DIR),target)
BIN := $(TARGET)/release/countersign
STAMPS := target/stamps
FRONT := target/front
SITE := target/site

# Folders are listed with the files in them, so that a deleted file counts as a change.
below = $(shell find $(1) -not -name '.*' 2>/dev/null)
MANIFESTS := Cargo.toml Cargo.lock .cargo/config.toml
FRONT_SOURCES := $(MANIFESTS) $(call below,app worker policy lifecycle scripts/front) scripts/build-front scripts/ensure-front-tool
SITE_SOURCES := $(call below,style public) scripts/pack-site.mjs
SERVER_SOURCES := $(MANIFESTS) $(call below,app worker policy lifecycle store server migrations)

.PHONY: help run build test test-long check fmt fuzz setup screenshots bench

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

run: build ## Build the release and serve the demo workspace (ADDR=…, PORT=…, DATA_DIR=…)
	@# The demo has a database of its own, whatever the shell exports.
	@unset DATABASE_URL COUNTERSIGN_MIGRATE_URL; exec $(BIN) serve --demo --demo-traffic --addr $(ADDR) --data-dir $(DATA_DIR)

build: setup ## Build target/release/countersign, one file with everything inside
	@# Cargo cannot reach the job server of make and warns about it, so its variables are unset where cargo runs.
	@$(MAKE) --no-print-directory -j2 $(BIN)

test: ## Run every check a release needs: formatting, lints, all tests, the studio in a browser
	@scripts/test

test-long: build fuzz ## Run the checks that take long: fuzzing, simulations, and the contract against a live server with many requests
	@cargo test -p lifecycle -- --ignored --nocapture
	@scripts/check-contract $${CONTRACT_EXAMPLES:-100}

check: ## Run the quick checks: formatting, lints, unit tests of the core
	@scripts/test quick

fmt: ## Format the Rust code
	@cargo fmt --all

fuzz: ## Read broken documents, conditions, bundles and corpora until FUZZ_ROUNDS are done (FUZZ_SEED=… repeats a run)
	@FUZZ_ROUNDS=$${FUZZ_ROUNDS:-200000} cargo test --release -p policy --test fuzz -- --nocapture

screenshots: build ## Photograph every page at three widths in both themes into target/screenshots
	@scripts/end2end screenshots

bench: build ## Measure against cedar-policy, regorus, zen-engine, datalogic-rs, z3 and Cerbos (half an hour, the first time more)
	@scripts/bench

# Quick checks on every run: they name or install tools that are missing on the machine.
setup:
	@scripts/ensure-rust
	@scripts/ensure-node
	@scripts/ensure-postgres >/dev/null

$(STAMPS)/npm: package.json package-lock.json | setup
	@echo "==> Fetching the front end's npm packages" >&2
	@npm ci --no-audit --no-fund --loglevel=error >&2
	@mkdir -p $(@D) && touch $@

# These stamps have the time at which their command began: what is edited meanwhile is compiled the next time.
$(STAMPS)/front: $(FRONT_SOURCES) $(STAMPS)/npm
	@touch $@.begun
	@unset MAKEFLAGS MFLAGS; scripts/build-front $(FRONT)
	@mv $@.begun $@

$(STAMPS)/site: $(STAMPS)/front $(SITE_SOURCES)
	@echo "==> Packing styles, fonts and scripts" >&2
	@touch $@.begun
	@node scripts/pack-site.mjs $(FRONT) $(SITE)
	@mv $@.begun $@

$(BIN): $(STAMPS)/site $(STAMPS)/server
	@echo "==> Putting the browser's files into the program" >&2
	@unset MAKEFLAGS MFLAGS; COUNTERSIGN_SITE_TABLE=$(CURDIR)/$(SITE).rs cargo build --release -p server
	@touch $@

# The library needs nothing from the browser side, so both are compiled at once: either alone leaves one core idle.
$(STAMPS)/server: $(SERVER_SOURCES)
	@echo "==> Compiling the server" >&2
	@mkdir -p $(@D) && touch $@.begun
	@unset MAKEFLAGS MFLAGS; cargo build --release -p server --lib
	@mv $@.begun $@
