//! Promotes the canary once time and gates allow it, where the settings say so.

use std::time::Duration;

use store::{Store, rollout::promote_when_due};

use super::periodic::{Schedule, log_error};
use crate::heartbeats::Heartbeat;

/// Stages last hours: this is soon enough.
const CHECK_EVERY: Duration = Duration::from_secs(10);

pub(super) async fn run(store: Store, heartbeat: Heartbeat) {
    let mut schedule = Schedule::every(CHECK_EVERY, &store, heartbeat);
    while schedule.next().await {
        match promote_when_due(&store).await {
            Ok(None) => {}
            Ok(Some(bundle)) => {
                tracing::info!(version = bundle.version, percent = bundle.canary_pct, "a canary was promoted");
            }
            Err(error) => log_error("the canary cannot be promoted now", &error),
        }
    }
}
