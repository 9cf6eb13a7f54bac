//! Watches the canary, and a bundle in its first day at 100 %, and rolls it back when it does harm. A job of its own, so that no other work delays it.

use lifecycle::rollout::watch::CHECK_EVERY;
use store::{
    Store,
    rollout::{Watched, watch},
};

use super::periodic::{Schedule, log_error};
use crate::heartbeats::Heartbeat;

pub(super) async fn run(store: Store, heartbeat: Heartbeat) {
    let mut schedule = Schedule::every(CHECK_EVERY, &store, heartbeat);
    while schedule.next().await {
        match watch(&store).await {
            Ok(Watched::Quiet) => {}
            Ok(Watched::Withheld) => tracing::warn!("an automatic rollback was due and withheld"),
            Ok(Watched::AsBad(incident)) => {
                tracing::warn!(incident, "a limit is exceeded, and rolling back would not help");
            }
            Ok(Watched::RolledBack(done)) => {
                tracing::warn!(from = done.rolled_back_from, to = done.version, "a bundle was rolled back");
            }
            Err(error) => log_error("what serves cannot be watched now", &error),
        }
    }
}
