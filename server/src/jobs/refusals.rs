//! Writes what was refused within a minute into the audit record.

use std::time::Duration;

use store::{Store, attempts, audit_refusals};

use super::periodic::{Schedule, log_error};
use crate::heartbeats::Heartbeat;

/// How long refusals are summed before they become an entry.
const PERIOD: Duration = Duration::from_secs(60);

pub(super) async fn run(store: Store, heartbeat: Heartbeat) {
    let mut schedule = Schedule::every(PERIOD, &store, heartbeat);
    while schedule.next().await {
        write(&store).await;
        if let Err(error) = attempts::delete_old(&store).await {
            log_error("old attempts to sign in cannot be removed now", &error);
        }
    }
}

/// Writes the sums of now.
pub async fn write(store: &Store) {
    if let Err(error) = audit_refusals(store).await {
        log_error("refused requests cannot be recorded now", &error);
    }
}
