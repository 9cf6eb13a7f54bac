//! What the gates are evaluated on.

use super::gate::{Gate, GateName};
use crate::{metrics::StageMetrics, rollout::counts::StageCounts};

/// The share of one subject above which intervals are approximate, 0–1.
const APPROXIMATE_ABOVE: f64 = 0.10;

/// What the gates are evaluated on.
pub(super) struct Evidence<'a> {
    pub metrics: StageMetrics,
    /// What the metrics were counted from, unless a caller states them.
    pub counts: Option<&'a StageCounts>,
}

impl Evidence<'_> {
    pub fn sample(&self) -> u64 {
        self.metrics.sample_size.unwrap_or(0)
    }

    /// The share of the subject with the most decisions, 0–1.
    pub fn largest_share(&self) -> Option<f64> {
        let subjects = self.counts?.canary.subjects.as_ref()?;
        (self.sample() > 0).then(|| subjects.largest as f64 / self.sample() as f64)
    }

    /// A gate with what is the same for all.
    pub fn gate(&self, name: GateName, threshold: f64) -> Gate {
        Gate {
            subjects: self.counts.and_then(|counts| Some(counts.canary.subjects.as_ref()?.distinct)),
            ..Gate::unknown(name, threshold, self.sample())
        }
    }

    pub fn is_approximate(&self) -> bool {
        self.largest_share().is_some_and(|share| share > APPROXIMATE_ABOVE)
    }
}
