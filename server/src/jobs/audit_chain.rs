//! Keeps the audit record a sealed chain: seals entries that were written by SQL, and signs checkpoints.

use std::time::Duration;

use store::{Store, audit};
use tokio::time::Instant;

use super::periodic::{Schedule, log_error};
use crate::heartbeats::Heartbeat;

/// Name of the file in the data directory that holds the newest checkpoint.
pub const CHECKPOINT_FILE: &str = "audit-checkpoint.json";

/// How long a change made by SQL may stay unsealed.
const SEAL_EVERY: Duration = Duration::from_secs(1);
/// The interval at which new entries are counted.
const COUNT_EVERY: Duration = Duration::from_secs(10);
/// This many new entries get a checkpoint when they are counted.
const MANY_ENTRIES: i64 = 100;
/// Fewer new entries get a checkpoint after this time.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(5 * 60);

pub(super) async fn run(store: Store, heartbeat: Heartbeat) {
    checkpoint(&store, 0).await;
    let started = Instant::now();
    let (mut counted, mut checkpointed) = (started, started);
    let mut schedule = Schedule::every(SEAL_EVERY, &store, heartbeat);
    while schedule.next().await {
        if let Err(error) = audit::seal(&store).await {
            log_error("a change made by SQL cannot be sealed yet", &error);
        }
        if counted.elapsed() >= COUNT_EVERY {
            let due = checkpointed.elapsed() >= CHECKPOINT_EVERY;
            checkpoint(&store, if due { 0 } else { MANY_ENTRIES - 1 }).await;
            counted = Instant::now();
            checkpointed = if due { counted } else { checkpointed };
        }
    }
}

/// Signs and stores a checkpoint at the end of the record, unless the newest one is at most `unless_within` entries
/// old.
pub async fn checkpoint(store: &Store, unless_within: i64) {
    if let Err(error) = audit::checkpoint(store, unless_within).await {
        log_error("no checkpoint of the audit record can be made now", &error);
    }
}
