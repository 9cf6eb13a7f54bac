//! Everything the evaluation service keeps in memory.

use std::{path::Path, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use store::{Store, refusals::Refusals, system::Servers};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, sleep, timeout},
};

use super::{
    approval_changes,
    durability::Durability,
    log::DecisionLog,
    metrics::DecisionMetrics,
    reload::{self, Followed},
    serving::{self, Serving},
    token_cache::TokenCache,
};
use crate::{heartbeats::Heartbeats, rate_limits::RateLimits, safety_thread::SafetyThread};

/// How many approvals are used or asked for at a time: the rest of the connections are for everything else.
const APPROVALS_AT_A_TIME: usize = 8;
/// How long the loop that follows the live state may be silent.
const SILENT_FOLLOWING: Duration = Duration::from_secs(40);
/// How long an answer waits until this server serves what was changed.
const SERVE_WITHIN: Duration = Duration::from_secs(1);
/// How long an answer waits for the other servers, and how often it looks.
const FOLLOW_WITHIN: Duration = Duration::from_millis(250);
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct EvaluationService {
    serving: Arc<ArcSwap<Serving>>,
    /// Decisions on their way into the database.
    pub log: DecisionLog,
    /// Counters of the answers.
    pub metrics: DecisionMetrics,
    /// Bearer tokens seen in the last second.
    pub tokens: TokenCache,
    /// What was refused, for the audit record.
    pub refusals: Arc<Refusals>,
    /// How often callers may ask.
    pub limits: RateLimits,
    store: Store,
    followed: Followed,
    /// Grows with every change of an approval request.
    approvals: Arc<watch::Sender<i64>>,
    /// Approvals that are used or asked for at this moment.
    approval_turns: Arc<Semaphore>,
    /// The thread of the loops that safety depends on.
    pub safety: SafetyThread,
}

impl EvaluationService {
    /// Loads the live state and starts two workers: one follows changes, the other writes the log. `spill_dir` stores
    /// the decisions that are answered while the database is away; `durability` says when decisions are answered
    /// otherwise.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn start(
        store: Store,
        spill_dir: &Path,
        durability: Durability,
        heartbeats: &Heartbeats,
    ) -> Result<Self, store::Error> {
        let failed = |error: &dyn std::fmt::Display| store::Error::Internal(error.to_string());
        let safety = SafetyThread::start().map_err(|error| failed(&error))?;
        let watching = store.watching();
        let serving = Arc::new(ArcSwap::from_pointee(serving::load(&store, None).await?));
        let followed = Followed::new();
        let follow = {
            let (store, serving, followed) = (watching.clone(), Arc::clone(&serving), followed.clone());
            move |heartbeat| reload::run(store.clone(), Arc::clone(&serving), followed.clone(), heartbeat)
        };
        let closed = watching.clone();
        let is_over = move || closed.pool().is_closed();
        heartbeats.supervise(safety.handle(), ("following", SILENT_FOLLOWING), is_over, follow);
        let log = DecisionLog::start(store.clone(), spill_dir, durability, heartbeats);
        let metrics = DecisionMetrics::new().map_err(|error| failed(&error))?;
        let refusals = Arc::clone(store.refusals());
        let tokens = TokenCache::new(store.identifying());
        let approvals = approval_changes::follow(store.clone());
        Ok(Self {
            serving,
            log,
            metrics,
            tokens,
            refusals,
            limits: RateLimits::default(),
            store,
            followed,
            approvals,
            approval_turns: Arc::new(Semaphore::new(APPROVALS_AT_A_TIME)),
            safety,
        })
    }

    /// The live state, as it is now.
    pub fn serving(&self) -> Arc<Serving> {
        self.serving.load_full()
    }

    /// A counter that increases whenever the live state may have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.followed.changes.subscribe()
    }

    /// A number that grows whenever an approval request may have changed.
    pub fn approval_changes(&self) -> watch::Receiver<i64> {
        self.approvals.subscribe()
    }

    /// A turn to use an approval or ask for one.
    pub(super) async fn approval_turn(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.approval_turns).acquire_owned().await.ok()
    }

    /// The database.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Serves every change that this server has made itself, and counts the servers that serve what is live now. Those that
    /// have not read a change yet get a moment. `None` when the database does not say.
    pub async fn count_servers(&self) -> Option<Servers> {
        let serves = self.serve_own_changes().await;
        let store = self.store.urgent();
        let count = || timeout(SERVE_WITHIN, store::system::servers(&store, serves));
        let deadline = Instant::now() + FOLLOW_WITHIN;
        loop {
            match count().await {
                Ok(Ok(servers)) if servers.current < servers.known && Instant::now() < deadline => {
                    sleep(LOOK_EVERY).await;
                }
                Ok(Ok(servers)) => return Some(servers),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "how many servers have followed a change is unknown");
                    return None;
                }
                Err(_) => return None,
            }
        }
    }

    /// Waits until this server serves every change that it has made itself; returns whether it does, which takes a moment
    /// unless the database has just gone.
    pub async fn serve_own_changes(&self) -> bool {
        let made = *self.store.live_changes().borrow();
        let mut served = self.followed.served.subscribe();
        timeout(SERVE_WITHIN, served.wait_for(|served| *served >= made)).await.is_ok_and(|served| served.is_ok())
    }
}
