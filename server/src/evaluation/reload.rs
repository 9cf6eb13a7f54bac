//! Keeps the live bundles in step with the database: NOTIFY announces changes, and the database is asked every second
//! in case a notification gets lost.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use store::Store;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, sleep},
};

use super::serving::{self, Serving};

/// How long a change may go unnoticed if notifications are lost.
const POLL: Duration = Duration::from_secs(1);

/// Starts the worker. The receiver counts reloads that a notification asked for, and changes of the live state.
pub(super) fn start(store: Store, serving: Arc<ArcSwap<Serving>>) -> watch::Receiver<u64> {
    let (sender, changes) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            let lost = follow(&store, &serving, &sender).await;
            // The pool is closed when the server stops.
            if store.pool().is_closed() {
                return;
            }
            if let Err(error) = lost {
                tracing::warn!(%error, "the database cannot be followed; serving what is in memory");
            }
            sleep(POLL).await;
        }
    });
    changes
}

async fn follow(store: &Store, serving: &ArcSwap<Serving>, sender: &watch::Sender<u64>) -> Result<(), store::Error> {
    let mut listener = store::system::watch(store).await?;
    let mut mark = None;
    let mut poll = interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let notified = tokio::select! {
            notification = listener.recv() => {
                notification.map_err(store::Error::from)?;
                true
            }
            _ = poll.tick() => false,
        };
        // The reload also covers the notifications that piled up behind the first one.
        while let Ok(Some(_)) = tokio::time::timeout(Duration::ZERO, listener.try_recv()).await.unwrap_or(Ok(None)) {}
        // Bundles may be long, so they are read only when the mark has changed.
        let found = Some(store::system::live_mark(store).await?);
        let changed = found != mark && reload(store, serving).await?;
        mark = found;
        if notified || changed {
            sender.send_modify(|count| *count += 1);
        }
    }
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
}
