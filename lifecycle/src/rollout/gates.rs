//! The four quality gates a canary must pass before it gets more traffic.

use serde::{Deserialize, Serialize};

/// Thresholds of the gates; a value equal to its limit passes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GateConfig {
    /// Fewest decisions of the canary in its stage.
    pub min_sample_size: u64,
    /// Highest error rate, 0–1.
    pub max_error_rate: f64,
    /// Highest deny rate, 0–1.
    pub max_deny_rate: f64,
    /// Highest increase of the average cost over the baseline, 0.2 = 20 %.
    pub max_cost_increase: f64,
    /// Least time in a stage before promotion, in seconds.
    pub min_stage_seconds: u64,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self {
            min_sample_size: 100,
            max_error_rate: 0.05,
            max_deny_rate: 0.30,
            max_cost_increase: 0.20,
            min_stage_seconds: 24 * 60 * 60,
        }
    }
}

/// What was measured over the stage so far. Missing data never passes a gate.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Decisions the canary served.
    pub sample_size: Option<u64>,
    /// Share of them in error, 0–1: evaluation errors and outcomes reported as failed.
    pub error_rate: Option<f64>,
    /// Share of them denied, 0–1.
    pub deny_rate: Option<f64>,
    /// Average cost of a canary decision, USD.
    pub avg_cost: Option<f64>,
    /// Average cost of a stable decision in the same window, USD.
    pub baseline_avg_cost: Option<f64>,
}

/// Which gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateName {
    /// Enough decisions to judge from.
    SampleSize,
    /// Not too many errors.
    ErrorRate,
    /// Not too many denials.
    DenyRate,
    /// Not much dearer than before.
    CostIncrease,
}

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// Within its limit.
    Pass,
    /// Cannot be said yet.
    Hold,
    /// Past its limit.
    Fail,
}

/// One gate's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Which gate.
    pub name: GateName,
    /// What it says.
    pub verdict: GateVerdict,
    /// The measured value; none when there is no data.
    pub value: Option<f64>,
    /// The limit.
    pub threshold: f64,
    /// Decisions it was measured over.
    pub sample: u64,
    /// In a sentence, with what to do.
    pub message: String,
}

/// All four gates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateReport {
    /// Whether every gate passes.
    pub passed: bool,
    /// The gates, in the order of the contract.
    pub gates: Vec<Gate>,
    /// The messages of the gates that do not pass.
    pub failures: Vec<String>,
}
