//! The four quality gates a canary must pass before it gets more traffic.
//!
//! Their limits are in [`GateConfig`], which stands in `metrics` since settings, incidents and the pause need it too.
//!
//! Before the sample is full, a gate fails only where the confidence sequence lies above the limit as a whole: then more
//! traffic would change nothing. With a full sample the measured value decides. Missing data holds a gate.
//!
//! ```text
//! gate → evidence → outlook → cost, rate, sample
//! ```

mod cost;
mod evidence;
mod gate;
mod outlook;
mod rate;
mod sample;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::evidence::Evidence;
pub use self::gate::{Gate, GateName, GateVerdict};
use super::counts::StageCounts;
use crate::metrics::{GateConfig, StageMetrics};

/// What the intervals of the gates assume.
pub const ASSUMPTION: &str = "Intervals hold with 95 % confidence however often one looks, for decisions that do not \
    influence each other; they are approximate where one subject makes up more than 10 % of the decisions.";

/// All four gates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateReport {
    /// Whether every gate passes.
    pub passed: bool,
    /// The gates, in the order of the contract.
    pub gates: Vec<Gate>,
    /// The messages of the gates that do not pass.
    pub failures: Vec<String>,
    /// What the intervals assume: [`ASSUMPTION`].
    pub assumption: String,
}

/// Evaluates the four gates on measurements that a caller states. A rate without a sample decides by itself.
pub fn evaluate(metrics: &StageMetrics, config: &GateConfig) -> GateReport {
    report(&Evidence { metrics: *metrics, counts: None }, config)
}

/// Evaluates the four gates on what was counted.
pub fn evaluate_counts(counts: &StageCounts, config: &GateConfig) -> GateReport {
    report(&Evidence { metrics: counts.metrics(), counts: Some(counts) }, config)
}

fn report(evidence: &Evidence<'_>, config: &GateConfig) -> GateReport {
    let sample = sample::sample_size(evidence, config);
    // A figure that is stated without a sample is taken as it is.
    let full = sample.verdict == GateVerdict::Pass || evidence.metrics.sample_size.is_none();
    let gates = vec![
        rate::error_rate(evidence, config, full),
        rate::deny_rate(evidence, config, full),
        cost::cost_increase(evidence, config, full),
    ];
    let gates: Vec<Gate> = std::iter::once(sample).chain(gates).collect();
    let failures: Vec<String> =
        gates.iter().filter(|gate| gate.verdict != GateVerdict::Pass).map(|gate| gate.message.clone()).collect();
    GateReport { passed: failures.is_empty(), gates, failures, assumption: ASSUMPTION.to_owned() }
}
