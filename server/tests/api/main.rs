//! The server as its callers see it: the real router on a real PostgreSQL, and the real program on a real port.

mod conforming;
mod support;

mod access;
mod accounts;
mod audit;
mod automatic_rollback;
mod bundles;
mod command_line;
mod contract;
mod decisions;
mod degraded;
mod drills;
mod evaluate;
mod forged_signatures;
mod incidents;
mod matrix;
mod metrics;
mod oidc;
mod packets;
mod pages;
mod problems;
mod process;
mod reading;
mod record_offline;
mod rollout;
mod settings;
mod signing_keys;
mod simulate;
mod system;
mod transfer;
mod two_servers;
