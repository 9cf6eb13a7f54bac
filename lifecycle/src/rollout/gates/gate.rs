//! One evaluated gate.

use serde::{Deserialize, Serialize};

use crate::{confidence::Interval, rollout::counts::Coverage};

/// The name of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum GateName {
    /// Enough decisions to evaluate the canary.
    SampleSize,
    /// Not too many errors.
    ErrorRate,
    /// Not too many denials.
    DenyRate,
    /// Not much more expensive than before.
    CostIncrease,
}

impl GateName {
    /// The name used in JSON and as a label.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The result of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// Within its limit.
    Pass,
    /// Not known yet.
    Hold,
    /// Past its limit.
    Fail,
}

/// One evaluated gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// The gate's name.
    pub name: GateName,
    /// The result.
    pub verdict: GateVerdict,
    /// The measured value; `None` when there is no data.
    pub value: Option<f64>,
    /// The limit.
    pub threshold: f64,
    /// Decisions the value was measured over.
    pub sample: u64,
    /// Different subjects that the decisions are about; `None` where that was not counted.
    pub subjects: Option<u64>,
    /// The confidence sequence of the value; `None` where there is none.
    pub interval: Option<Interval>,
    /// Whether the interval is only approximate.
    pub approximate: bool,
    /// Stable's value: a rate, or the average cost in USD that the increase is measured from.
    pub stable: Option<f64>,
    /// Of how much the canary carried out the outcome, or the cost, is known.
    pub coverage: Option<Coverage>,
    /// On hold: in how many seconds the gate is likely to be decided, at the current traffic.
    pub wait_seconds: Option<u64>,
    /// On hold: why waiting will not help.
    pub waiting_will_not_help: Option<String>,
    /// The result in a sentence, with what to do.
    pub message: String,
}

impl Gate {
    /// A gate on hold, of which nothing is known but the limit.
    pub(super) fn unknown(name: GateName, threshold: f64, sample: u64) -> Self {
        Self {
            name,
            verdict: GateVerdict::Hold,
            value: None,
            threshold,
            sample,
            subjects: None,
            interval: None,
            approximate: false,
            stable: None,
            coverage: None,
            wait_seconds: None,
            waiting_will_not_help: None,
            message: String::new(),
        }
    }

    /// The gate with a verdict and the sentence about it.
    pub(super) fn decided(mut self, verdict: GateVerdict, message: String) -> Self {
        self.verdict = verdict;
        self.message = message;
        self
    }
}
