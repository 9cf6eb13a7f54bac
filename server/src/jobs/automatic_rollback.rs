//! Watches the canary and rolls it back when it does harm. A job of its own, so that no other work delays it.

use lifecycle::rollout::watch::CHECK_EVERY;
use store::{
    Store,
    rollout::{Watched, watch},
};

use super::periodic::{Schedule, log_error};

pub(super) async fn run(store: Store) {
    let mut schedule = Schedule::every(CHECK_EVERY, &store);
    while schedule.next().await {
        match watch(&store).await {
            Ok(Watched::Quiet) => {}
            Ok(Watched::Withheld) => tracing::warn!("an automatic rollback was due and withheld"),
            Ok(Watched::RolledBack(done)) => {
                tracing::warn!(from = done.rolled_back_from, to = done.version, "a canary was rolled back");
            }
            Err(error) => log_error("the canary cannot be watched now", &error),
        }
    }
}
