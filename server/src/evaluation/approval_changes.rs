//! Tells who waits for an approval that something has changed: at once what this process has changed itself, and within a
//! second what others have. The database is asked only while somebody waits.

use std::{sync::Arc, time::Duration};

use store::Store;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};

/// How long a change by another server may go unnoticed.
const POLL: Duration = Duration::from_secs(1);
/// How long the database may take over one look.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts to follow the changes until the store is closed.
pub(super) fn follow(store: Store) -> Arc<watch::Sender<i64>> {
    let sender = Arc::new(watch::channel(0).0);
    let changes = Arc::clone(&sender);
    tokio::spawn(async move {
        let mut own = store.approval_changes();
        let mut poll = interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !store.pool().is_closed() {
            tokio::select! {
                _ = own.changed() => {}
                _ = poll.tick() => {}
            }
            if changes.receiver_count() == 0 {
                continue;
            }
            match timeout(PATIENCE, store::approvals::version(&store)).await {
                Ok(Ok(version)) => {
                    changes.send_if_modified(|known| std::mem::replace(known, version) != version);
                }
                Ok(Err(error)) => tracing::debug!(%error, "whether approvals have changed cannot be read"),
                Err(_) => tracing::debug!("whether approvals have changed was not read in time"),
            }
        }
    });
    sender
}
