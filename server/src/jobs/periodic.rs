//! Shared by all jobs: a schedule, and the log message for a run that failed.

use std::time::Duration;

use store::Store;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::heartbeats::Heartbeat;

/// The schedule of a job: at once, and then periodically until the store is closed.
pub(super) struct Schedule {
    store: Store,
    interval: Interval,
    heartbeat: Heartbeat,
}

/// How often a loop that waits for its next run says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(5);

impl Schedule {
    /// A run every `period`. After a run that took longer than `period`, the next one begins a whole period later. The wait
    /// counts as a sign of life.
    pub fn every(period: Duration, store: &Store, heartbeat: Heartbeat) -> Self {
        let mut interval = interval(period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { store: store.clone(), interval, heartbeat }
    }

    /// Waits for the next run; false if the store is closed and the job must end.
    pub async fn next(&mut self) -> bool {
        self.heartbeat.beat();
        if self.store.pool().is_closed() {
            return false;
        }
        while timeout(HEARTBEAT, self.interval.tick()).await.is_err() {
            self.heartbeat.beat();
        }
        self.heartbeat.beat();
        !self.store.pool().is_closed()
    }
}

/// Logs that a run failed. An unreachable database is reported elsewhere, so here it is logged for debugging only.
pub(super) fn log_error(message: &str, error: &store::Error) {
    if error.is_unavailable() {
        tracing::debug!(%error, "{message}");
    } else {
        tracing::warn!(%error, "{message}");
    }
}
