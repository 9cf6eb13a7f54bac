//! A cache of the workspace's metrics, so that not every scrape of `/metrics` reads them from the database.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use store::{
    Store,
    metrics::{self, WorkspaceMetrics},
};
use tokio::sync::Mutex;

/// How long metrics count as fresh.
const FRESH: Duration = Duration::from_secs(5);

/// The metrics that were read last. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct MetricsCache(Arc<Mutex<Option<Entry>>>);

/// The time at which the metrics were read, and the metrics.
type Entry = (Instant, Arc<WorkspaceMetrics>);

impl MetricsCache {
    /// Metrics that are at most a few seconds old. If several callers ask at once, only one reads the database.
    ///
    /// # Errors
    /// The database failed.
    pub async fn read(&self, store: &Store) -> store::Result<Arc<WorkspaceMetrics>> {
        let mut entry = self.0.lock().await;
        if let Some((at, metrics)) = &*entry
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(metrics));
        }
        let metrics = Arc::new(metrics::read(store).await?);
        *entry = Some((Instant::now(), Arc::clone(&metrics)));
        Ok(metrics)
    }
}
