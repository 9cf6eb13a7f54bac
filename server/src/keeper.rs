//! What the server does by itself: it removes expired sessions, seals what was written to the audit record by SQL, signs checkpoints, measures what
//! came of bundles in service, and takes a canary out that does harm.

use std::time::Duration;

use lifecycle::rollout::watch::CHECK_EVERY;
use store::{
    Store, audit, kpi,
    rollout::{Watched, watch},
    sessions::PgSessions,
};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Name of the file in the data directory that holds the newest checkpoint.
pub const FILE: &str = "audit-checkpoint.json";

/// How long a change made by SQL may stay unsealed.
const SEAL_EVERY: Duration = Duration::from_secs(1);
/// How often the number of new entries is looked at.
const COUNT_EVERY: Duration = Duration::from_secs(10);
/// So many new entries want a checkpoint at once.
const ENTRIES: i64 = 100;
/// Any new entry gets a checkpoint after this time.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(5 * 60);
/// How often sessions that have expired are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);
/// How often bundles are looked for that are due to be measured.
const MONITOR_EVERY: Duration = Duration::from_secs(60);

/// Starts the workers. They end when the store is closed.
pub fn start(store: Store) {
    tokio::spawn(watch_canary(store.clone()));
    tokio::spawn(sweep_sessions(store.clone()));
    tokio::spawn(async move {
        checkpoint(&store, 0).await;
        let began = Instant::now();
        let (mut counted, mut checked, mut monitored) = (began, began, None::<Instant>);
        let mut tick = interval(SEAL_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !store.pool().is_closed() {
            tick.tick().await;
            if let Err(error) = audit::seal(&store).await {
                complain("a change made by SQL cannot be sealed yet", &error);
            }
            if counted.elapsed() >= COUNT_EVERY {
                let due = checked.elapsed() >= CHECKPOINT_EVERY;
                checkpoint(&store, if due { 0 } else { ENTRIES - 1 }).await;
                counted = Instant::now();
                checked = if due { counted } else { checked };
            }
            if monitored.is_none_or(|at| at.elapsed() >= MONITOR_EVERY) {
                if let Err(error) = kpi::monitor(&store).await {
                    complain("bundles in service cannot be measured now", &error);
                }
                monitored = Some(Instant::now());
            }
        }
    });
}

/// Removes sessions that have expired again and again; nobody can use them, so it is not urgent.
async fn sweep_sessions(store: Store) {
    let mut tick = interval(SWEEP_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let sessions = PgSessions::new(store.clone());
    while !store.pool().is_closed() {
        tick.tick().await;
        if let Err(error) = sessions.delete_expired().await {
            complain("expired sessions cannot be removed now", &error);
        }
    }
}

/// Looks at the canary again and again. Alone, so that nothing else makes it wait.
async fn watch_canary(store: Store) {
    let mut tick = interval(CHECK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !store.pool().is_closed() {
        tick.tick().await;
        match watch(&store).await {
            Ok(Watched::Quiet) => {}
            Ok(Watched::Withheld) => tracing::warn!("an automatic rollback was due and withheld"),
            Ok(Watched::RolledBack(done)) => {
                tracing::warn!(from = done.rolled_back_from, to = done.version, "a canary was rolled back");
            }
            Err(error) => complain("the canary cannot be watched now", &error),
        }
    }
}

/// Signs and keeps where the record ends, unless a kept checkpoint is at most `unless_within` entries old.
pub async fn checkpoint(store: &Store, unless_within: i64) {
    if let Err(error) = audit::checkpoint(store, unless_within).await {
        complain("no checkpoint of the audit record can be made now", &error);
    }
}

/// The database may be away for a while; others say so already.
fn complain(what: &str, error: &store::Error) {
    if error.is_unavailable() {
        tracing::debug!(%error, "{what}");
    } else {
        tracing::warn!(%error, "{what}");
    }
}
