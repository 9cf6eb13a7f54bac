//! Measurements of decisions, and the limits that gates, triggers and alarms share.

use serde::{Deserialize, Serialize};

/// Default maximum share of decisions without a matching rule, 0–1.
pub const MAX_NO_MATCH_RATE: f64 = 0.20;

/// Rates and ratios are compared with their limit to nine digits, so that a value that equals its limit on paper still
/// passes after a division.
pub(crate) const TOLERANCE: f64 = 1e-9;

/// `part / whole`, 0–1; `None` when `whole` is 0.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The relative increase from `before` to `now`, 0.2 = 20 %. A rise from zero counts as 100 %.
pub(crate) fn relative_increase(now: Option<f64>, before: Option<f64>) -> Option<f64> {
    match (now?, before?) {
        (now, before) if before > 0.0 => Some((now - before) / before),
        (now, _) => Some(if now > 0.0 { 1.0 } else { 0.0 }),
    }
}

/// The decisions of one arm in a window.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ArmStats {
    /// Decisions served.
    pub decisions: u64,
    /// Decisions with the effect `allow`.
    pub allow: u64,
    /// Decisions with the effect `deny`.
    pub deny: u64,
    /// Decisions with the effect `needs_approval`.
    pub needs_approval: u64,
    /// Decisions without a matching rule.
    pub no_match: u64,
    /// Decisions in error.
    pub errors: u64,
    /// Average cost of the decisions whose cost is known (reported, or else budgeted), USD; `None` where no cost is.
    pub avg_cost: Option<f64>,
}

impl ArmStats {
    /// `part` as a share of the arm's decisions, 0–1; `None` when the arm decided nothing.
    pub fn share(&self, part: u64) -> Option<f64> {
        share(part, self.decisions)
    }
}

/// Totals over the decisions of the last five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RecentDecisions {
    /// Decisions.
    pub decisions: u64,
    /// Decisions in error, by evaluation or by their reported outcome.
    pub errors: u64,
    /// Decisions with the effect `deny`.
    pub denied: u64,
    /// Decisions without a matching rule.
    pub no_match: u64,
    /// Average cost, USD.
    pub avg_cost: Option<f64>,
    /// Average cost over the day before, USD.
    pub baseline_avg_cost: Option<f64>,
}

impl RecentDecisions {
    /// `part` as a share of the decisions, 0–1; `None` when there were no decisions.
    pub fn share(&self, part: u64) -> Option<f64> {
        share(part, self.decisions)
    }
}

/// Measurements over a canary's stage so far. Missing data never passes a gate.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StageMetrics {
    /// Decisions the canary served.
    pub sample_size: Option<u64>,
    /// Share of the canary's decisions in error, 0–1: evaluation errors and outcomes reported as failed.
    pub error_rate: Option<f64>,
    /// Share of the canary's decisions with the effect `deny`, 0–1.
    pub deny_rate: Option<f64>,
    /// Average cost of a canary decision, USD.
    pub avg_cost: Option<f64>,
    /// Average cost of a stable decision in the same window, USD.
    pub baseline_avg_cost: Option<f64>,
}

/// The longest time that a stage may be asked to last.
pub const MAX_STAGE_SECONDS: u64 = 366 * 24 * 60 * 60;

/// Thresholds of the gates; a value equal to its limit passes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GateConfig {
    /// Minimum number of the canary's decisions in its stage.
    pub min_sample_size: u64,
    /// Minimum number of different subjects that the decisions are about.
    pub min_subjects: u64,
    /// Maximum error rate, 0–1.
    pub max_error_rate: f64,
    /// Maximum deny rate, 0–1.
    pub max_deny_rate: f64,
    /// Whether a higher deny rate passes where stable denies as many of the same requests.
    pub deny_like_stable: bool,
    /// Maximum increase of the average cost over the baseline, 0.2 = 20 %.
    pub max_cost_increase: f64,
    /// What a decision may cost on top of that, USD: for a baseline at or near zero.
    pub cost_allowance: f64,
    /// The highest cost that the interval of the average counts with, USD; `None` is ten times the largest budget of a
    /// rule.
    pub cost_bound: Option<f64>,
    /// Whether a pass needs the whole confidence sequence within the limit.
    pub require_confidence: bool,
    /// Whether a canary is promoted by itself once time and gates allow it.
    pub automatic_promotion: bool,
    /// Minimum time in a stage before promotion, in seconds.
    pub min_stage_seconds: u64,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self {
            min_sample_size: 100,
            min_subjects: 10,
            max_error_rate: 0.05,
            max_deny_rate: 0.30,
            deny_like_stable: true,
            max_cost_increase: 0.20,
            cost_allowance: 0.0,
            cost_bound: None,
            require_confidence: false,
            automatic_promotion: false,
            min_stage_seconds: 24 * 60 * 60,
        }
    }
}

/// Errors of one bundle in a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BundleErrors {
    /// The bundle; `None` for decisions made without one.
    pub bundle_id: Option<i64>,
    /// The bundle's version.
    pub version: Option<String>,
    /// Decisions the bundle served.
    pub total: u64,
    /// Decisions in error.
    pub errors: u64,
    /// `errors / total`, 0–1.
    pub error_rate: f64,
}

/// The response of `GET /metrics/errors`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorMetrics {
    /// The window as requested, e.g. `5m`.
    pub window: String,
    /// Decisions in the window.
    pub total: u64,
    /// Decisions in error: evaluation errors and outcomes reported as failed.
    pub errors: u64,
    /// `errors / total`, 0–1; 0 without decisions.
    pub error_rate: f64,
    /// One entry per bundle, busiest first.
    pub by_bundle: Vec<BundleErrors>,
}
