//! A cache of the workspace's metrics, so that not every scrape of `/metrics` reads them from the database.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use store::{
    Store,
    metrics::{self, WorkspaceMetrics},
};
use tokio::time::timeout;

use crate::shared_reading::SharedReading;

/// How long metrics count as fresh.
const FRESH: Duration = Duration::from_secs(5);
/// How long the database may take: what monitoring asks about the server itself must not wait for it.
const PATIENCE: Duration = Duration::from_secs(3);

/// The metrics that were read last. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct MetricsCache(SharedReading<Instant, Option<Arc<WorkspaceMetrics>>>);

impl MetricsCache {
    /// Metrics that are at most a few seconds old; `None` while the database does not answer. If several callers ask at
    /// once, the database is read once.
    pub async fn read(&self, store: &Store) -> Option<Arc<WorkspaceMetrics>> {
        self.0.get(Instant::now(), |began, _| began.elapsed() < FRESH, || read(store.clone())).await
    }
}

async fn read(store: Store) -> Option<Arc<WorkspaceMetrics>> {
    match timeout(PATIENCE, metrics::read(&store)).await {
        Ok(Ok(metrics)) => Some(Arc::new(metrics)),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the metrics of the workspace cannot be read");
            None
        }
        Err(_) => {
            tracing::warn!("the metrics of the workspace could not be read within {PATIENCE:?}");
            None
        }
    }
}
