//! The server as its callers see it: the real router on a real PostgreSQL, and the real program on a real port.

mod conforming;
mod support;

mod access;
mod audit;
mod bundles;
mod command_line;
mod contract;
mod decisions;
mod degraded;
mod evaluate;
mod incidents;
mod matrix;
mod packets;
mod pages;
mod problems;
mod process;
mod record_offline;
mod rollout;
mod simulate;
mod system;
mod transfer;
mod two_servers;
mod watch;
