//! Background jobs, one per file. Each starts with the server and ends when the store is closed.

mod audit_chain;
mod automatic_rollback;
mod kpi_monitor;
mod periodic;
mod refusals;
mod session_cleanup;

use store::Store;

pub use audit_chain::{CHECKPOINT_FILE, checkpoint};
pub use refusals::write as write_refusals;

/// Starts all jobs.
pub fn start(store: &Store) {
    tokio::spawn(audit_chain::run(store.clone()));
    tokio::spawn(automatic_rollback::run(store.clone()));
    tokio::spawn(kpi_monitor::run(store.clone()));
    tokio::spawn(refusals::run(store.clone()));
    tokio::spawn(session_cleanup::run(store.clone()));
}
