//! Automatic rollback: when the last five minutes of a bundle are bad enough to take it out at once.
//!
//! The gates decide, over hours, whether a canary may get more traffic. The watch looks every few seconds for problems
//! that cannot wait. A bundle is blamed only where the other one does better: when both deny the same requests, taking one
//! of them out does not help, and an incident says so instead. A bundle that reached 100 % is watched like a canary for
//! [`FRESH`]; beside it stands the last known good one.
//!
//! ```text
//! blame → judge → wording → back_test
//! ```

pub mod back_test;
pub mod blame;
mod judge;
mod wording;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::{
    judge::{Judgement, WatchWindow},
    wording::{not_its_doing, reason},
};
use crate::metrics::MAX_NO_MATCH_RATE;

/// The window that alarms are measured over.
pub const WINDOW: Duration = Duration::from_secs(5 * 60);
/// The longest time between two checks.
pub const CHECK_EVERY: Duration = Duration::from_secs(5);
/// The window of the baseline when stable answered too few decisions in [`WINDOW`].
pub const LONG_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a bundle that reached 100 % is watched like a canary.
pub const FRESH: Duration = Duration::from_secs(24 * 60 * 60);

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
    /// Minimum number of different subjects that they are about, or as many as the last day makes likely when those are
    /// fewer.
    pub min_subjects: u64,
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
    /// The margin by which the canary's share of denials, or of decisions without a matching rule, must exceed stable's on
    /// the same requests, 0–1.
    pub paired_margin: f64,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self {
            mode: WatchMode::RollBack,
            min_sample_size: 50,
            min_subjects: 5,
            max_error_rate: 0.10,
            error_rate_factor: 2.0,
            max_deny_rate: 0.50,
            max_cost_increase: 0.50,
            max_no_match_rate: MAX_NO_MATCH_RATE,
            paired_margin: 0.10,
        }
    }
}

/// The limit that is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
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

impl Cause {
    /// The name used in JSON and SQL.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// One limit that a bundle is past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// The limit that is exceeded.
    pub cause: Cause,
    /// The measured share 0–1, or the increase of the cost (0.5 = 50 %).
    pub value: f64,
    /// The limit.
    pub limit: f64,
    /// Stable's share, for denials and missing rules that on the same requests, or stable's average cost in USD; `None` when
    /// stable decided nothing.
    pub baseline: Option<f64>,
    /// The alarm in words.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_have_their_names_in_json() {
        for mode in WatchMode::ALL {
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.name());
        }
    }
}
