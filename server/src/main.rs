//! The `countersign` program: the library, which tests can reach, and the files that browsers load.

use std::process::ExitCode;

use server::http::routes::assets::Files;

/// An evaluation makes many small, short-lived allocations; in a profile under load, the system's allocator took about
/// a sixth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A table that `scripts/pack-site.mjs` writes. It is read here and not in the library, so that the library is compiled
/// while the browser side is, and a new style sheet compiles only this file. Other builds contain no files.
const SITE: Files = include!(env!("COUNTERSIGN_SITE_TABLE"));

fn main() -> ExitCode {
    server::cli::run(SITE)
}
