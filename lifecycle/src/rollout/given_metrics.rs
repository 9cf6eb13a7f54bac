//! Metrics and limits that a caller gives to the gates, instead of what was measured and set.

use policy::Fault;
use serde::Deserialize;

use crate::metrics::{GateConfig, MAX_STAGE_SECONDS, StageMetrics};

/// What a caller states about a stage: rates, or the counts that they follow from.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct GivenMetrics {
    /// Decisions the canary served.
    pub sample_size: Option<u64>,
    /// The same, under the name that goes with the counts.
    pub total_decisions: Option<u64>,
    /// Share of the canary's decisions in error, 0–1.
    pub error_rate: Option<f64>,
    /// The canary's decisions in error.
    pub error_count: Option<u64>,
    /// Share of the canary's decisions with the effect `deny`, 0–1.
    pub deny_rate: Option<f64>,
    /// The canary's decisions with the effect `deny`.
    pub deny_count: Option<u64>,
    /// Average cost of a canary decision, USD.
    pub avg_cost: Option<f64>,
    /// The same, under its longer name.
    pub canary_avg_cost: Option<f64>,
    /// Average cost of a stable decision in the same window, USD.
    pub baseline_avg_cost: Option<f64>,
}

impl GivenMetrics {
    /// The metrics as the gates take them.
    ///
    /// # Errors
    /// Every value that is outside its range, contradicts another or lacks one, with pointers that start at the metrics.
    pub fn check(&self) -> Result<StageMetrics, Vec<Fault>> {
        let mut faults = Vec::new();
        let sample_size =
            one_of([("sample_size", self.sample_size), ("total_decisions", self.total_decisions)], &mut faults);
        let error_rate =
            rate(["error_rate", "error_count"], self.error_rate, self.error_count, sample_size, &mut faults);
        let deny_rate = rate(["deny_rate", "deny_count"], self.deny_rate, self.deny_count, sample_size, &mut faults);
        let avg_cost = one_of([("avg_cost", self.avg_cost), ("canary_avg_cost", self.canary_avg_cost)], &mut faults);
        let costs = [
            ("avg_cost", self.avg_cost),
            ("canary_avg_cost", self.canary_avg_cost),
            ("baseline_avg_cost", self.baseline_avg_cost),
        ];
        for (name, cost) in costs {
            at_least_zero(name, "a cost", cost, &mut faults);
        }
        let metrics =
            StageMetrics { sample_size, error_rate, deny_rate, avg_cost, baseline_avg_cost: self.baseline_avg_cost };
        if faults.is_empty() { Ok(metrics) } else { Err(faults) }
    }
}

/// The faults of limits that a caller gives, with pointers that start at the limits.
pub fn faults_of_limits(config: &GateConfig) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, rate) in [("max_error_rate", config.max_error_rate), ("max_deny_rate", config.max_deny_rate)] {
        if !(0.0..=1.0).contains(&rate) {
            faults.push(Fault::new(
                format!("/{name}"),
                format!("must be a rate from 0 to 1, not `{rate}`; 5 % is `0.05`"),
            ));
        }
    }
    at_least_zero("max_cost_increase", "an increase", Some(config.max_cost_increase), &mut faults);
    at_least_zero("cost_allowance", "a cost", Some(config.cost_allowance), &mut faults);
    if let Some(bound) = config.cost_bound.filter(|bound| !bound.is_finite() || *bound <= 0.0) {
        faults.push(Fault::new("/cost_bound", format!("must be a cost above 0, not `{bound}`")));
    }
    if config.min_stage_seconds > MAX_STAGE_SECONDS {
        faults.push(Fault::new("/min_stage_seconds", "a stage lasts at most a year"));
    }
    faults
}

/// The value that is given under one of two names.
fn one_of<T: Copy>([(name, value), (other, same)]: [(&str, Option<T>); 2], faults: &mut Vec<Fault>) -> Option<T> {
    if value.is_some() && same.is_some() {
        faults.push(Fault::new(format!("/{other}"), format!("says the same as `{name}`; give one of the two")));
    }
    value.or(same)
}

fn rate(
    [name, count_name]: [&str; 2],
    rate: Option<f64>,
    count: Option<u64>,
    total: Option<u64>,
    faults: &mut Vec<Fault>,
) -> Option<f64> {
    if let Some(rate) = rate.filter(|rate| !(0.0..=1.0).contains(rate)) {
        faults.push(Fault::new(format!("/{name}"), format!("must be a rate from 0 to 1, not `{rate}`; 5 % is `0.05`")));
    }
    let Some(count) = count else { return rate };
    let pointer = format!("/{count_name}");
    if rate.is_some() {
        faults.push(Fault::new(pointer, format!("says the same as `{name}`; give one of the two")));
        return rate;
    }
    match total {
        None => faults.push(Fault::new(pointer, "needs `total_decisions`, the number that it is a part of")),
        Some(total) if count > total => {
            faults.push(Fault::new(pointer, format!("must be at most `total_decisions` ({total}), not `{count}`")));
        }
        Some(0) => {}
        Some(total) => return Some(count as f64 / total as f64),
    }
    None
}

fn at_least_zero(name: &str, what: &str, value: Option<f64>, faults: &mut Vec<Fault>) {
    if let Some(value) = value.filter(|value| !value.is_finite() || *value < 0.0) {
        faults.push(Fault::new(format!("/{name}"), format!("must be {what} of 0 or more, not `{value}`")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_become_rates() {
        let given = GivenMetrics {
            total_decisions: Some(200),
            error_count: Some(10),
            deny_count: Some(0),
            canary_avg_cost: Some(0.5),
            ..GivenMetrics::default()
        };
        let metrics = StageMetrics {
            sample_size: Some(200),
            error_rate: Some(0.05),
            deny_rate: Some(0.0),
            avg_cost: Some(0.5),
            baseline_avg_cost: None,
        };
        assert_eq!(given.check(), Ok(metrics));
        let none = GivenMetrics { total_decisions: Some(0), error_count: Some(0), ..GivenMetrics::default() };
        assert_eq!(none.check().unwrap().error_rate, None, "of nothing there is no rate");
    }

    #[test]
    fn values_outside_of_their_ranges_are_named() {
        let pointers = |given: GivenMetrics| -> Vec<String> {
            given.check().unwrap_err().into_iter().map(|fault| fault.pointer).collect()
        };
        let none = GivenMetrics::default();
        assert_eq!(pointers(GivenMetrics { error_rate: Some(1.000_000_1), ..none }), ["/error_rate"]);
        assert_eq!(pointers(GivenMetrics { deny_rate: Some(-0.1), ..none }), ["/deny_rate"]);
        assert_eq!(pointers(GivenMetrics { avg_cost: Some(-1.0), ..none }), ["/avg_cost"]);
        assert_eq!(pointers(GivenMetrics { baseline_avg_cost: Some(-1.0), ..none }), ["/baseline_avg_cost"]);
        assert_eq!(pointers(GivenMetrics { error_count: Some(1), ..none }), ["/error_count"]);
        assert_eq!(pointers(GivenMetrics { total_decisions: Some(3), deny_count: Some(4), ..none }), ["/deny_count"]);
        assert_eq!(
            pointers(GivenMetrics { sample_size: Some(3), total_decisions: Some(3), ..none }),
            ["/total_decisions"]
        );
        let both = GivenMetrics { total_decisions: Some(9), error_rate: Some(0.1), error_count: Some(1), ..none };
        assert_eq!(pointers(both), ["/error_count"]);
        let limits = GateConfig {
            max_error_rate: 5.0,
            max_deny_rate: -1.0,
            max_cost_increase: -0.1,
            cost_allowance: -1.0,
            cost_bound: Some(0.0),
            min_stage_seconds: MAX_STAGE_SECONDS + 1,
            ..GateConfig::default()
        };
        let named: Vec<String> = faults_of_limits(&limits).into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(
            named,
            [
                "/max_error_rate",
                "/max_deny_rate",
                "/max_cost_increase",
                "/cost_allowance",
                "/cost_bound",
                "/min_stage_seconds"
            ]
        );
        assert!(faults_of_limits(&GateConfig::default()).is_empty());
    }
}
