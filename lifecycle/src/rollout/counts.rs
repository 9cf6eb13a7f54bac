//! What was counted in a stage: the input of the gates.
//!
//! Everything here is a sum or a number of different things over the decisions of a stage, so that it can be added up from
//! single decisions as well as from counts that were kept every few seconds.

use serde::{Deserialize, Serialize};

use crate::metrics::{ArmStats, StageMetrics};

/// The counts of a stage so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StageCounts {
    /// What the canary served; of a shadow, what it would have served.
    pub canary: ArmCounts,
    /// What stable served in the same time; `None` without a stable bundle.
    pub stable: Option<ArmCounts>,
    /// The costs that the canary's are compared with: stable's in the same time, or else in the day before.
    pub baseline: CostCounts,
    /// The answers to the requests that the canary served and stable answered as well.
    pub pairs: PairCounts,
    /// How much is asked.
    pub traffic: Traffic,
    /// The highest cost that the interval of the average counts with, USD; `None` where nothing bounds it.
    pub cost_bound: Option<f64>,
}

/// What one arm served.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ArmCounts {
    /// Decisions by effect and status; errors by evaluation or outcome.
    pub stats: ArmStats,
    /// Of what was allowed, and therefore carried out: how much has an outcome.
    pub outcomes: Coverage,
    /// Of what was allowed: how much has a cost, reported or budgeted.
    pub costed: Coverage,
    /// The known costs.
    pub costs: CostCounts,
    /// Whom the decisions are about; `None` where that was not counted.
    pub subjects: Option<SubjectCounts>,
}

/// Of how many things something is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// Of how many it is known.
    pub known: u64,
    /// Of how many it could be.
    pub expected: u64,
}

impl Coverage {
    /// The known share, 0–1; `None` where nothing is expected.
    pub fn share(self) -> Option<f64> {
        (self.expected > 0).then(|| self.known as f64 / self.expected as f64)
    }

    /// Whether so little is known, beside what is known of `other`, that a comparison says nothing: less than half of its
    /// share.
    pub fn lags(self, other: Self) -> bool {
        let shares = self.share().zip(other.share());
        shares.is_some_and(|(share, other)| other > 0.0 && share < 0.5 * other)
    }
}

/// Sums over the decisions whose cost is known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CostCounts {
    /// Decisions with a cost.
    pub count: u64,
    /// The sum of their costs, USD.
    pub sum: f64,
    /// The same with every cost cut at the bound.
    pub cut_sum: f64,
    /// The sum of the squares of the costs, each cut at the bound.
    pub cut_sum_of_squares: f64,
    /// How many were cut.
    pub cut: u64,
}

impl CostCounts {
    /// The average, USD; `None` where no cost is known.
    pub fn average(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Whom decisions are about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubjectCounts {
    /// Different subjects, estimated where there are many.
    pub distinct: u64,
    /// Decisions about the one with the most, never too few.
    pub largest: u64,
    /// Its name, where it was kept.
    pub largest_name: Option<String>,
}

/// Answers of both bundles to the same requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PairCounts {
    /// Requests that both answered.
    pub compared: u64,
    /// Of them, those that the canary denies.
    pub deny: u64,
    /// Of them, those that stable denies.
    pub stable_deny: u64,
    /// Of them, those for which the canary has no rule.
    pub no_match: u64,
    /// Of them, those for which stable has no rule.
    pub stable_no_match: u64,
}

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// The canary's share of the traffic in percent.
    pub percent: i16,
    /// Different subjects in this stage, of every arm.
    pub subjects: u64,
    /// How long the canary's last decisions were counted, in seconds; 0 where that is not known.
    pub seconds: u64,
    /// Decisions of the canary in that time.
    pub decisions: u64,
}

impl StageCounts {
    /// The measurements that follow from the counts.
    pub fn metrics(&self) -> StageMetrics {
        let stats = &self.canary.stats;
        StageMetrics {
            sample_size: Some(stats.decisions),
            error_rate: stats.share(stats.errors),
            deny_rate: stats.share(stats.deny),
            avg_cost: self.canary.costs.average(),
            baseline_avg_cost: self.baseline.average(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_half_of_what_is_known_of_the_other_says_nothing() {
        let of = |known, expected| Coverage { known, expected };
        assert!(of(0, 10).lags(of(1, 10)));
        assert!(of(49, 100).lags(of(98_001, 100_000)) && !of(50, 100).lags(of(100, 100)));
        assert!(!of(0, 10).lags(of(0, 10)), "nobody reports");
        assert!(!of(0, 0).lags(of(9, 10)), "nothing is expected");
        assert!(!of(0, 10).lags(of(0, 0)));
    }
}
