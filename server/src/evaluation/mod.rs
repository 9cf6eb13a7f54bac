//! The evaluation service. A request is parsed, decided in memory by both arms, logged in a batch with others, and
//! answered once that batch is committed. No request reads the database.

mod batching;
mod counts;
mod evaluate;
mod log;
mod pending_decision;
mod recover;
mod reload;
mod serving;
mod spill;
mod text;
mod tokens;

use std::{path::Path, sync::Arc};

use arc_swap::ArcSwap;
use store::Store;
use tokio::sync::watch;

pub use counts::Counts;
pub use evaluate::{Question, Reply, decide};
pub use log::{DecisionLog, Durability, NotLogged};
pub use pending_decision::Made;
pub use serving::{ArmInService, Serving};
pub use text::decide_text;
pub use tokens::TokenCache;

/// Everything the evaluation service keeps in memory. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    serving: Arc<ArcSwap<Serving>>,
    /// Decisions on their way into the database.
    pub log: DecisionLog,
    /// What was answered.
    pub counts: Counts,
    /// Bearer tokens seen in the last second.
    pub tokens: TokenCache,
    changes: watch::Receiver<u64>,
}

impl Live {
    /// Loads what is live and starts the workers: one that follows changes, one that writes the log. `spill_dir` takes
    /// the decisions that are answered while the database is away, `durability` says when they are answered otherwise.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn start(store: Store, spill_dir: &Path, durability: Durability) -> Result<Self, store::Error> {
        let serving = Arc::new(ArcSwap::from_pointee(serving::load(&store, None).await?));
        let changes = reload::start(store.clone(), Arc::clone(&serving));
        let log = DecisionLog::start(store.clone(), spill_dir, durability);
        let counts = Counts::new().map_err(|error| store::Error::Internal(error.to_string()))?;
        Ok(Self { serving, log, counts, tokens: TokenCache::new(store), changes })
    }

    /// What is in service now.
    pub fn serving(&self) -> Arc<Serving> {
        self.serving.load_full()
    }

    /// Counts up whenever what is in service may have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }
}
