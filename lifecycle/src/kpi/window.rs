//! The window that KPIs are counted over.

use std::time::Duration;

use policy::Timestamp;
use serde::{Deserialize, Serialize};

/// How far back the KPIs look.
pub const WINDOW: Duration = Duration::from_secs(30 * 86_400);

/// A window of 30 days, including its first moment and excluding its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The first moment.
    pub start: Timestamp,
    /// The moment after the last one.
    pub end: Timestamp,
}

impl Window {
    /// The 30 days before `end`.
    pub fn ending(end: Timestamp) -> Self {
        Self { start: end.minus(WINDOW), end }
    }

    /// Whether `at` lies in the window.
    pub fn contains(self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}
