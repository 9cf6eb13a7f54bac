//! Automatic rollback: when the last five minutes of a canary are bad enough to take the canary out at once.
//!
//! The gates decide, over hours, whether a canary may get more traffic. The watch looks every few seconds for problems
//! that cannot wait. A canary is blamed only where the stable arm does better: when both bundles deny all traffic,
//! taking one of them out does not help.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    format::rate_percent,
    metrics::{ArmStats, MAX_NO_MATCH_RATE, TOLERANCE, relative_increase},
};

/// The window that alarms are measured over.
pub const WINDOW: Duration = Duration::from_secs(5 * 60);
/// The longest time between two checks.
pub const CHECK_EVERY: Duration = Duration::from_secs(5);
/// The window of the baseline when stable answered too few decisions in [`WINDOW`].
pub const LONG_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// The margin by which a canary's share of denials, or of decisions without a matching rule, must exceed stable's, 0–1.
pub const ABOVE_STABLE: f64 = 0.10;

/// The response to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum WatchMode {
    /// The canary is rolled back and an incident opened.
    #[default]
    RollBack,
    /// The alarm is recorded, and nothing else happens.
    Observe,
}

impl WatchMode {
    /// Both modes.
    pub const ALL: [Self; 2] = [Self::RollBack, Self::Observe];

    /// The name used in JSON and forms.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Limits of automatic rollback; a value equal to its limit is fine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WatchConfig {
    /// The response to an alarm.
    pub mode: WatchMode,
    /// Minimum number of the canary's decisions in the window; with fewer decisions, no alarm is raised.
    pub min_sample_size: u64,
    /// Maximum error rate, 0–1.
    pub max_error_rate: f64,
    /// The error rate must also be at least this many times the baseline's.
    pub error_rate_factor: f64,
    /// Maximum deny rate, 0–1.
    pub max_deny_rate: f64,
    /// Maximum increase of the average cost over the baseline, 0.5 = 50 %.
    pub max_cost_increase: f64,
    /// Maximum share of decisions without a matching rule, 0–1.
    pub max_no_match_rate: f64,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self {
            mode: WatchMode::RollBack,
            min_sample_size: 50,
            max_error_rate: 0.10,
            error_rate_factor: 2.0,
            max_deny_rate: 0.50,
            max_cost_increase: 0.50,
            max_no_match_rate: MAX_NO_MATCH_RATE,
        }
    }
}

/// The limit that is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Too many errors.
    ErrorRate,
    /// Too many denials.
    DenyRate,
    /// Too expensive: the budget is also at stake.
    Cost,
    /// Too many decisions without a matching rule.
    NoMatchRate,
}

/// One reason to take a canary out of service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// The limit that is exceeded.
    pub cause: Cause,
    /// The measured share 0–1, or the increase of the cost (0.5 = 50 %).
    pub value: f64,
    /// The limit.
    pub limit: f64,
    /// Stable's share, or stable's average cost in USD; `None` when stable decided nothing.
    pub baseline: Option<f64>,
    /// The alarm in words.
    pub detail: String,
}

/// The alarms of a canary's window; empty while the canary has too few decisions to evaluate.
pub fn alarms(canary: &ArmStats, baseline: &ArmStats, config: &WatchConfig) -> Vec<Alarm> {
    if canary.decisions < config.min_sample_size.max(1) {
        return Vec::new();
    }
    let above = |value: f64, limit: f64| value > limit + TOLERANCE;
    let share = |cause, name: &str, limit, part: fn(&ArmStats) -> u64, worse: &dyn Fn(f64, f64) -> bool| {
        let value = canary.share(part(canary))?;
        let baseline = baseline.share(part(baseline));
        let blamed = above(value, limit) && baseline.is_none_or(|baseline| worse(value, baseline));
        let detail =
            || format!("{name} {} exceeds {}{}", rate_percent(value), rate_percent(limit), stable_share(baseline));
        blamed.then(|| Alarm { cause, value, limit, baseline, detail: detail() })
    };
    let times = |value: f64, baseline: f64| value + TOLERANCE >= config.error_rate_factor * baseline;
    let more = |value: f64, baseline: f64| value + TOLERANCE >= baseline + ABOVE_STABLE;
    let cost = || {
        let limit = config.max_cost_increase;
        let value = relative_increase(canary.avg_cost, baseline.avg_cost).filter(|value| above(*value, limit))?;
        let (cost, before) = (canary.avg_cost?, baseline.avg_cost?);
        let detail =
            format!("average cost ${cost:.4} is more than {} above stable's ${before:.4}", rate_percent(limit));
        Some(Alarm { cause: Cause::Cost, value, limit, baseline: Some(before), detail })
    };
    [
        share(Cause::ErrorRate, "error rate", config.max_error_rate, |arm| arm.errors, &times),
        share(Cause::DenyRate, "deny rate", config.max_deny_rate, |arm| arm.deny, &more),
        cost(),
        share(Cause::NoMatchRate, "no-match rate", config.max_no_match_rate, |arm| arm.no_match, &more),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The reason, for the record of the rollback.
pub fn reason(alarms: &[Alarm], canary: &ArmStats) -> String {
    let details: Vec<&str> = alarms.iter().map(|alarm| alarm.detail.as_str()).collect();
    let minutes = WINDOW.as_secs() / 60;
    format!("Automatic rollback: {}, over {} decisions in {minutes} minutes", details.join("; "), canary.decisions)
}

/// ` (stable: 2 %)`, or nothing when stable decided nothing.
fn stable_share(baseline: Option<f64>) -> String {
    baseline.map_or_else(String::new, |baseline| format!(" (stable: {})", rate_percent(baseline)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arm(decisions: u64, errors: u64, deny: u64, no_match: u64, avg_cost: Option<f64>) -> ArmStats {
        ArmStats { decisions, errors, deny, no_match, avg_cost, ..ArmStats::default() }
    }

    fn causes(canary: &ArmStats, stable: &ArmStats) -> Vec<Cause> {
        alarms(canary, stable, &WatchConfig::default()).iter().map(|alarm| alarm.cause).collect()
    }

    #[test]
    fn every_limit_of_the_runbook_is_one() {
        let stable = arm(100, 1, 10, 5, Some(0.10));
        let fine = arm(100, 10, 50, 20, Some(0.15));
        assert_eq!(causes(&fine, &stable), [], "a value equal to its limit is fine");
        assert_eq!(causes(&arm(100, 11, 0, 0, None), &stable), [Cause::ErrorRate]);
        assert_eq!(causes(&arm(100, 0, 51, 0, None), &stable), [Cause::DenyRate]);
        assert_eq!(causes(&arm(100, 0, 0, 0, Some(0.1501)), &stable), [Cause::Cost]);
        assert_eq!(causes(&arm(100, 0, 0, 21, None), &stable), [Cause::NoMatchRate]);
        assert_eq!(causes(&arm(49, 49, 49, 49, Some(9.0)), &stable), [], "49 decisions are too few");
    }

    #[test]
    fn the_canary_is_not_blamed_for_what_stable_does_as_well() {
        let stable = arm(1000, 60, 950, 300, Some(0.0));
        assert_eq!(causes(&arm(100, 11, 96, 31, Some(0.0)), &stable), []);
        assert_eq!(
            causes(&arm(100, 12, 0, 40, Some(0.01)), &stable),
            [Cause::ErrorRate, Cause::Cost, Cause::NoMatchRate]
        );
        let nothing = ArmStats::default();
        assert_eq!(
            causes(&arm(100, 12, 51, 21, Some(5.0)), &nothing),
            [Cause::ErrorRate, Cause::DenyRate, Cause::NoMatchRate]
        );
    }

    #[test]
    fn the_reason_says_what_was_measured() {
        let canary = arm(62, 10, 0, 0, None);
        let found = alarms(&canary, &arm(500, 10, 0, 0, None), &WatchConfig::default());
        assert_eq!(
            reason(&found, &canary),
            "Automatic rollback: error rate 16.13 % exceeds 10 % (stable: 2 %), over 62 decisions in 5 minutes"
        );
        assert!(super::super::check_reason(&reason(&found, &canary)).is_ok());
    }

    #[test]
    fn modes_have_their_names_in_json() {
        for mode in WatchMode::ALL {
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.name());
        }
    }

    proptest! {
        #[test]
        fn worse_numbers_never_silence_an_alarm(
            decisions in 50_u64..500, errors in 0_u64..500, deny in 0_u64..500, no_match in 0_u64..500, more in 1_u64..50,
            stable in (0_u64..500, 0_u64..500, 0_u64..500, 0_u64..500),
        ) {
            let of = |part: u64| part.min(decisions);
            let stable = arm(stable.0, stable.1.min(stable.0), stable.2.min(stable.0), stable.3.min(stable.0), None);
            let canary = arm(decisions, of(errors), of(deny), of(no_match), None);
            let worse = arm(decisions, of(errors + more), of(deny + more), of(no_match + more), None);
            let after = causes(&worse, &stable);
            prop_assert!(causes(&canary, &stable).iter().all(|cause| after.contains(cause)));
        }
    }
}
