//! Keeps the live bundles in step with the database: NOTIFY announces changes, this process says what it has changed itself,
//! and the database is asked every second in case a notification gets lost.

use std::{mem, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use store::Store;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::serving::{self, Serving};
use crate::heartbeats::Heartbeat;

/// How long a change may go unnoticed if notifications are lost.
const POLL: Duration = Duration::from_secs(1);
/// How long the database may take over one look, and over loading what has changed. After that, a new connection is made.
const PATIENCE: Duration = Duration::from_secs(15);

/// What others learn of the loop.
#[derive(Clone)]
pub(super) struct Followed {
    /// Counts the reloads that a notification asked for, and the changes of the live state.
    pub changes: Arc<watch::Sender<u64>>,
    /// How many of the changes that this process has made are served.
    pub served: Arc<watch::Sender<u64>>,
}

impl Followed {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        Self { changes: Arc::new(watch::channel(0).0), served: Arc::new(watch::channel(0).0) }
    }
}

/// Follows the live state until the store is closed.
pub(super) async fn run(store: Store, serving: Arc<ArcSwap<Serving>>, followed: Followed, heartbeat: Heartbeat) {
    loop {
        heartbeat.beat();
        let lost = follow(&store, &serving, &followed, &heartbeat).await;
        if store.pool().is_closed() {
            return;
        }
        if let Err(error) = lost {
            tracing::warn!(%error, "the database cannot be followed; serving what is in memory");
        }
        sleep(POLL).await;
    }
}

async fn follow(
    store: &Store,
    serving: &ArcSwap<Serving>,
    followed: &Followed,
    heartbeat: &Heartbeat,
) -> Result<(), store::Error> {
    let mut listener = in_time(store::system::watch(store)).await?;
    let mut own = store.live_changes();
    let mut mark = None;
    let mut reported = None;
    let mut poll = interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let notified = tokio::select! {
            notification = listener.recv() => {
                notification.map_err(store::Error::from)?;
                true
            }
            _ = own.changed() => true,
            _ = poll.tick() => false,
        };
        heartbeat.beat();
        // The reload also covers the notifications that piled up behind the first one.
        while let Ok(Some(_)) = timeout(Duration::ZERO, listener.try_recv()).await.unwrap_or(Ok(None)) {}
        // Read first: a change that this process makes while the state is loaded is not in it.
        let made = *own.borrow_and_update();
        // Bundles may be long, so they are read only when the mark has changed.
        let found = Some(in_time(store::system::live_mark(store)).await?);
        let changed = found != mark && in_time(reload(store, serving)).await?;
        mark = found;
        followed.served.send_if_modified(|served| mem::replace(served, made) != made);
        if notified || changed {
            followed.changes.send_modify(|count| *count += 1);
        }
        // Until this server has said that it runs, there is nothing to say what it serves.
        if reported != mark
            && let Some(serves) = &mark
            && in_time(store::system::report_serving(store, serves)).await?
        {
            reported.clone_from(&mark);
        }
    }
}

/// `work`, which a database that does not answer may not hold up.
async fn in_time<T>(work: impl Future<Output = Result<T, store::Error>>) -> Result<T, store::Error> {
    timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(store::Error::Internal(format!("the database did not answer within {PATIENCE:?}"))))
}

async fn reload(store: &Store, serving: &ArcSwap<Serving>) -> Result<bool, store::Error> {
    let before = serving.load_full();
    let now = serving::load(store, Some(&before)).await?;
    let changed = !serve_alike(&before, &now);
    if changed {
        let name = |arm: &Option<serving::LiveBundle>| {
            arm.as_ref().map_or("none".to_owned(), |arm| format!("{} at {} %", arm.bundle.version, arm.percent))
        };
        tracing::info!(
            stable = name(&now.stable),
            canary = name(&now.canary),
            enabled = now.enabled,
            paused = now.paused,
            "now serving"
        );
        serving.store(Arc::new(now));
    }
    Ok(changed)
}

fn serve_alike(a: &Serving, b: &Serving) -> bool {
    let key = |arm: &Option<serving::LiveBundle>| arm.as_ref().map(|arm| (arm.bundle.clone(), arm.percent));
    a.enabled == b.enabled
        && a.bypass_effect == b.bypass_effect
        && a.paused == b.paused
        && key(&a.stable) == key(&b.stable)
        && key(&a.canary) == key(&b.canary)
        && key(&a.previous) == key(&b.previous)
}
