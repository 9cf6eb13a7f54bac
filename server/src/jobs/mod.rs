//! Background jobs, one per file. Each starts with the server and ends when the store is closed.

mod audit_chain;
mod automatic_rollback;
mod key_rotation;
mod kpi_monitor;
mod periodic;
mod provider_check;
mod refusals;
mod serving_check;
mod session_cleanup;

use std::{path::Path, sync::Arc};

use lifecycle::signing::KeyRing;
use store::Store;

use crate::oidc::Provider;

pub use audit_chain::{CHECKPOINT_FILE, checkpoint};
pub use key_rotation::{host, servers};
pub use provider_check::check_sessions;
pub use refusals::write as write_refusals;

/// Starts all jobs. `keys` are those that the server was started with; `data_dir` may get others.
pub fn start(store: &Store, keys: &KeyRing, data_dir: &Path, provider: Option<&Arc<Provider>>) {
    if let Some(provider) = provider {
        tokio::spawn(provider_check::run(store.clone(), Arc::clone(provider)));
    }
    tokio::spawn(key_rotation::run(store.clone(), keys.clone(), data_dir.to_owned()));
    tokio::spawn(audit_chain::run(store.clone()));
    tokio::spawn(automatic_rollback::run(store.clone()));
    tokio::spawn(kpi_monitor::run(store.clone()));
    tokio::spawn(refusals::run(store.clone()));
    tokio::spawn(serving_check::run(store.clone()));
    tokio::spawn(session_cleanup::run(store.clone()));
}
