//! The figures of the workspace, read from the database now and then and not for everyone who asks.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use store::{
    Store,
    metrics::{self, WorkspaceMetrics},
};
use tokio::sync::Mutex;

/// How long figures count as fresh.
const FRESH: Duration = Duration::from_secs(5);

/// Remembers the figures for a while. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Remembered(Arc<Mutex<Option<Read>>>);

/// When, and what.
type Read = (Instant, Arc<WorkspaceMetrics>);

impl Remembered {
    /// The figures, a few seconds old at most. Of several who ask at once, one asks the database.
    ///
    /// # Errors
    /// The database failed.
    pub async fn read(&self, store: &Store) -> store::Result<Arc<WorkspaceMetrics>> {
        let mut kept = self.0.lock().await;
        if let Some((at, figures)) = &*kept
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(figures));
        }
        let figures = Arc::new(metrics::read(store).await?);
        *kept = Some((Instant::now(), Arc::clone(&figures)));
        Ok(figures)
    }
}
