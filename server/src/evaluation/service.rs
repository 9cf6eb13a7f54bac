//! Everything the evaluation service keeps in memory.

use std::{path::Path, sync::Arc};

use arc_swap::ArcSwap;
use store::{Store, refusals::Refusals};
use tokio::sync::watch;

use super::{
    durability::Durability,
    log::DecisionLog,
    metrics::DecisionMetrics,
    reload,
    serving::{self, Serving},
    token_cache::TokenCache,
};

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
    changes: watch::Receiver<u64>,
}

impl EvaluationService {
    /// Loads the live state and starts two workers: one follows changes, the other writes the log. `spill_dir` stores
    /// the decisions that are answered while the database is away; `durability` says when decisions are answered
    /// otherwise.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn start(store: Store, spill_dir: &Path, durability: Durability) -> Result<Self, store::Error> {
        let serving = Arc::new(ArcSwap::from_pointee(serving::load(&store, None).await?));
        let changes = reload::start(store.clone(), Arc::clone(&serving));
        let log = DecisionLog::start(store.clone(), spill_dir, durability);
        let metrics = DecisionMetrics::new().map_err(|error| store::Error::Internal(error.to_string()))?;
        let refusals = Arc::clone(store.refusals());
        Ok(Self { serving, log, metrics, tokens: TokenCache::new(store), refusals, changes })
    }

    /// The live state, as it is now.
    pub fn serving(&self) -> Arc<Serving> {
        self.serving.load_full()
    }

    /// A counter that increases whenever the live state may have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }
}
