//! The four quality gates a canary must pass before it gets more traffic.
//!
//! Their limits are in [`GateConfig`], which stands in `metrics` since settings, incidents and the pause need it too.

use serde::{Deserialize, Serialize};

use crate::{
    format::rate_percent,
    metrics::{GateConfig, StageMetrics, TOLERANCE},
};

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
    /// The result in a sentence, with what to do.
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

/// Evaluates the four gates. Missing data holds a gate and never passes it.
pub fn evaluate(metrics: &StageMetrics, config: &GateConfig) -> GateReport {
    let sample = metrics.sample_size.unwrap_or(0);
    let gates = vec![
        sample_size(metrics.sample_size, config),
        rate(GateName::ErrorRate, metrics.error_rate, config.max_error_rate, sample),
        rate(GateName::DenyRate, metrics.deny_rate, config.max_deny_rate, sample),
        cost_increase(metrics, config.max_cost_increase, sample),
    ];
    let failures: Vec<String> =
        gates.iter().filter(|gate| gate.verdict != GateVerdict::Pass).map(|gate| gate.message.clone()).collect();
    GateReport { passed: failures.is_empty(), gates, failures }
}

fn sample_size(measured: Option<u64>, config: &GateConfig) -> Gate {
    let needed = config.min_sample_size;
    let sample = measured.unwrap_or(0);
    let (verdict, message) = match measured {
        // A limit of zero still needs something to be measured.
        Some(_) if sample >= needed.max(1) => {
            (GateVerdict::Pass, format!("Enough samples: {sample} decisions, {needed} needed."))
        }
        _ => (
            GateVerdict::Hold,
            format!(
                "Insufficient samples: {sample} of {} decisions. Wait for more traffic or lower `min_sample_size`.",
                needed.max(1)
            ),
        ),
    };
    let (value, threshold) = (measured.map(|sample| sample as f64), needed as f64);
    Gate { name: GateName::SampleSize, verdict, value, threshold, sample, message }
}

fn rate(name: GateName, value: Option<f64>, limit: f64, sample: u64) -> Gate {
    let (what, advice) = match name {
        GateName::DenyRate => ("Deny rate", "Review overly restrictive rules."),
        _ => ("Error rate", "Investigate the errors and fix them in a new version."),
    };
    let value = value.filter(|value| (0.0..=1.0).contains(value));
    let (verdict, message) = match value {
        None => (GateVerdict::Hold, format!("{what} is not known yet: no decisions were measured in this stage.")),
        Some(value) if value <= limit + TOLERANCE => {
            (GateVerdict::Pass, format!("{what} {} is within {}.", rate_percent(value), rate_percent(limit)))
        }
        Some(value) => (
            GateVerdict::Fail,
            format!("{what} too high: {} exceeds {}. {advice}", rate_percent(value), rate_percent(limit)),
        ),
    };
    Gate { name, verdict, value, threshold: limit, sample, message }
}

fn cost_increase(metrics: &StageMetrics, limit: f64, sample: u64) -> Gate {
    let known = |cost: Option<f64>| cost.filter(|cost| cost.is_finite() && *cost >= 0.0);
    let (value, verdict, message) = match (known(metrics.avg_cost), known(metrics.baseline_avg_cost)) {
        (None, _) => (
            None,
            GateVerdict::Hold,
            "Cost increase is not known yet: no canary decision with a cost was measured in this stage.".to_owned(),
        ),
        (_, None) => (
            None,
            GateVerdict::Hold,
            "Cost increase is not known yet: stable has no measured decisions to compare with.".to_owned(),
        ),
        (Some(cost), Some(baseline)) if baseline == 0.0 && cost > 0.0 => (
            None,
            GateVerdict::Fail,
            format!(
                "Cost increase too high: ${cost:.4} a decision where stable spends nothing. Optimize the budget or adjust the threshold."
            ),
        ),
        (Some(cost), Some(baseline)) => {
            let increase = if baseline == 0.0 { 0.0 } else { (cost - baseline) / baseline };
            if increase <= limit + TOLERANCE {
                (
                    Some(increase),
                    GateVerdict::Pass,
                    format!("Cost increase {} is within {}.", rate_percent(increase), rate_percent(limit)),
                )
            } else {
                (
                    Some(increase),
                    GateVerdict::Fail,
                    format!(
                        "Cost increase too high: {} exceeds {}. Optimize the budget or adjust the threshold.",
                        rate_percent(increase),
                        rate_percent(limit)
                    ),
                )
            }
        }
    };
    Gate { name: GateName::CostIncrease, verdict, value, threshold: limit, sample, message }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn good() -> StageMetrics {
        StageMetrics {
            sample_size: Some(100),
            error_rate: Some(5.0 / 100.0),
            deny_rate: Some(30.0 / 100.0),
            avg_cost: Some(1.2),
            baseline_avg_cost: Some(1.0),
        }
    }

    fn verdicts(metrics: &StageMetrics) -> Vec<GateVerdict> {
        evaluate(metrics, &GateConfig::default()).gates.iter().map(|gate| gate.verdict).collect()
    }

    #[test]
    fn a_value_equal_to_its_limit_passes() {
        let report = evaluate(&good(), &GateConfig::default());
        assert!(report.passed, "{report:?}");
        assert!(report.failures.is_empty());
    }

    #[test]
    fn missing_data_holds_and_never_passes() {
        let report = evaluate(&StageMetrics::default(), &GateConfig::default());
        assert!(!report.passed);
        assert!(report.gates.iter().all(|gate| gate.verdict == GateVerdict::Hold), "{report:?}");
        let mut config = GateConfig { min_sample_size: 0, ..GateConfig::default() };
        assert_eq!(evaluate(&StageMetrics::default(), &config).gates[0].verdict, GateVerdict::Hold);
        config.max_error_rate = 1.0;
        assert!(!evaluate(&StageMetrics { error_rate: Some(f64::NAN), ..good() }, &config).passed);
    }

    #[test]
    fn failures_say_what_to_do() {
        use GateVerdict::{Fail, Hold, Pass};
        let bad = StageMetrics { error_rate: Some(0.072), ..good() };
        let report = evaluate(&bad, &GateConfig::default());
        assert_eq!(
            report.failures,
            ["Error rate too high: 7.2 % exceeds 5 %. Investigate the errors and fix them in a new version."]
        );
        assert_eq!(verdicts(&StageMetrics { sample_size: Some(42), ..good() }), [Hold, Pass, Pass, Pass]);
        assert_eq!(verdicts(&StageMetrics { deny_rate: Some(0.31), ..good() }), [Pass, Pass, Fail, Pass]);
        assert_eq!(verdicts(&StageMetrics { avg_cost: Some(1.21), ..good() }), [Pass, Pass, Pass, Fail]);
        let free = StageMetrics { baseline_avg_cost: Some(0.0), ..good() };
        assert_eq!(verdicts(&free), [Pass, Pass, Pass, Fail]);
        assert_eq!(verdicts(&StageMetrics { avg_cost: Some(0.0), ..free }), [Pass, Pass, Pass, Pass]);
    }

    proptest! {
        #[test]
        fn leaving_a_measurement_out_never_helps(
            sample in prop::option::of(0_u64..300), error in prop::option::of(0.0..1.0), deny in prop::option::of(0.0..1.0),
            cost in prop::option::of(0.0..2.0), baseline in prop::option::of(0.0..2.0), drop in 0..5,
        ) {
            let full = StageMetrics { sample_size: sample, error_rate: error, deny_rate: deny, avg_cost: cost, baseline_avg_cost: baseline };
            let mut less = full;
            match drop {
                0 => less.sample_size = None,
                1 => less.error_rate = None,
                2 => less.deny_rate = None,
                3 => less.avg_cost = None,
                _ => less.baseline_avg_cost = None,
            }
            prop_assert!(!evaluate(&less, &GateConfig::default()).passed);
        }
    }
}
