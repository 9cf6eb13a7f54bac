//! Key figures of the way from a draft to full traffic: pure functions over audit entries.
//!
//! The SQL views `clo_kpi_summary_v1` and `clo_kpi_projected_vs_realized_detail_v1` give the same numbers; a test of
//! `store` compares both. To make that exact, all arithmetic is on integers: basis points are whole, and every quotient
//! is rounded half away from zero.

pub mod detail;
pub mod event;
pub mod summary;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use detail::{Candidate, detail};
pub use event::{Deltas, Event, Fact};
use serde::{Deserialize, Serialize};
pub use summary::{Alert, Summary, summary};

use policy::Timestamp;

/// How far back the figures look.
pub const WINDOW: Duration = Duration::from_secs(30 * 86_400);
/// A rollback rate above this raises `rollback_spike`, in basis points.
pub const ROLLBACK_SPIKE_BPS: i64 = 1500;
/// A false-positive rate above this raises `false_positive_spike`, in basis points.
pub const FALSE_POSITIVE_BPS: i64 = 1000;
/// A mean gap between projected and realised margin above this, in either direction, raises `margin_gap_drift`.
pub const MARGIN_GAP_BPS: i64 = 200;

/// 30 days: the first moment belongs to it, the last does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First moment.
    pub start: Timestamp,
    /// The moment after the last.
    pub end: Timestamp,
}

impl Window {
    /// The 30 days before `end`.
    pub fn ending(end: Timestamp) -> Self {
        Self { start: end.minus(WINDOW), end }
    }

    /// Whether `at` belongs to it.
    pub fn contains(self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

/// The figures as they were at the end of each of the last `days` days, oldest first, the last of them `as_of`.
pub fn trend(events: &[Event], as_of: Timestamp, days: u32) -> Vec<Summary> {
    let day = |back: u32| as_of.minus(Duration::from_secs(u64::from(back) * 86_400));
    (0..days).rev().map(|back| summary(events, day(back))).collect()
}

/// `sum / count`, rounded half away from zero; none without a count.
pub(crate) fn quotient(sum: i128, count: i128) -> Option<i64> {
    if count <= 0 {
        return None;
    }
    let magnitude = (2 * sum.unsigned_abs() + count.unsigned_abs()) / (2 * count.unsigned_abs());
    let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
    Some(if sum < 0 { -magnitude } else { magnitude })
}

/// `part / whole` in basis points.
pub(crate) fn basis_points(part: usize, whole: usize) -> Option<i64> {
    let wide = |count: usize| i128::try_from(count).unwrap_or(i128::MAX);
    quotient(wide(part).saturating_mul(10_000), wide(whole))
}
