//! The metrics that a safety pause may be engaged for, and when each counts as clear.

use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::{
    format::{Decimals, percent},
    metrics::{GateConfig, MAX_NO_MATCH_RATE, RecentDecisions, relative_increase},
};

/// A metric that can be measured here.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum TriggerMetric {
    /// Share of the last five minutes' decisions in error.
    #[serde(rename = "error_rate_5m")]
    #[strum(to_string = "error_rate_5m", serialize = "policy_error_rate_5m", serialize = "error_rate")]
    ErrorRate,
    /// Share of the last five minutes' decisions that were denied.
    DenyRate,
    /// Average cost of the last five minutes' decisions against the day before.
    #[strum(to_string = "cost", serialize = "policy_cost_24h")]
    Cost,
    /// Share of the last five minutes' decisions that no rule matched.
    NoMatchRate,
    /// Too many applied candidates are rolled back.
    #[strum(to_string = "rollback_spike", serialize = "rollback_spike_alert")]
    RollbackSpike,
    /// Too many approved candidates turn out wrong.
    #[strum(to_string = "false_positive_spike", serialize = "false_positive_alert")]
    FalsePositiveSpike,
    /// Measured margins differ too much from the projections.
    #[strum(to_string = "margin_gap_drift", serialize = "margin_gap_alert")]
    MarginGapDrift,
}

impl TriggerMetric {
    /// All metrics.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name used in JSON and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The metric called `name`, by its own name or by the names that the runbooks use in queries and dashboards.
    pub fn from_name(name: &str) -> Option<Self> {
        name.trim().parse().ok()
    }

    /// The column of the KPI summary that says whether this alert is on; `None` for metrics measured on decisions.
    pub const fn alert_column(self) -> Option<&'static str> {
        match self {
            Self::RollbackSpike => Some("rollback_spike_alert"),
            Self::FalsePositiveSpike => Some("false_positive_alert"),
            Self::MarginGapDrift => Some("margin_gap_alert"),
            Self::ErrorRate | Self::DenyRate | Self::Cost | Self::NoMatchRate => None,
        }
    }
}

/// The current value of one trigger metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerReading {
    /// The metric.
    pub metric: TriggerMetric,
    /// The value: a share 0–1, an increase (0.2 = 20 %), or 1 for an alert that is on; `None` when nothing was
    /// measured.
    pub value: Option<f64>,
    /// The highest value that is clear.
    pub limit: f64,
    /// Whether the metric is clear. A metric without data is clear: no decisions, no alert.
    pub clear: bool,
    /// The reading in a sentence.
    pub detail: String,
}

impl TriggerReading {
    fn new(metric: TriggerMetric, value: Option<f64>, limit: f64, detail: String) -> Self {
        Self { metric, value, limit, clear: value.is_none_or(|value| value <= limit), detail }
    }

    /// The reading of a metric that is measured on decisions, compared with the limits of the gates.
    pub fn of_decisions(metric: TriggerMetric, recent: &RecentDecisions, gates: &GateConfig) -> Self {
        let (value, limit) = match metric {
            TriggerMetric::DenyRate => (recent.share(recent.denied), gates.max_deny_rate),
            TriggerMetric::NoMatchRate => (recent.share(recent.no_match), MAX_NO_MATCH_RATE),
            TriggerMetric::Cost => {
                (relative_increase(recent.avg_cost, recent.baseline_avg_cost), gates.max_cost_increase)
            }
            _ => (recent.share(recent.errors), gates.max_error_rate),
        };
        let detail = match value {
            Some(value) => format!(
                "{} is {} over the last 5 minutes; its limit is {}",
                metric.name(),
                percent(value, Decimals::Fixed(1)),
                percent(limit, Decimals::Fixed(1))
            ),
            None => format!("{}: nothing to measure in the last 5 minutes", metric.name()),
        };
        Self::new(metric, value, limit, detail)
    }

    /// The reading of an alert of the KPI summary; `on` is `None` when the alert could not be computed.
    pub fn of_alert(metric: TriggerMetric, on: Option<bool>) -> Self {
        let detail = match on {
            Some(true) => format!("{} is on in the KPI summary", metric.name()),
            Some(false) => format!("{} is off in the KPI summary", metric.name()),
            None => format!("{} cannot be computed from what was recorded", metric.name()),
        };
        Self::new(metric, on.map(|on| if on { 1.0 } else { 0.0 }), 0.0, detail)
    }
}

/// The named triggers that cannot be measured here and that no remediation mentions.
pub fn unconfirmed(triggers: &[String], remediations: &[&str]) -> Vec<String> {
    triggers
        .iter()
        .filter(|name| TriggerMetric::from_name(name).is_none())
        .filter(|name| {
            let name = name.trim().to_lowercase();
            !remediations.iter().any(|remediation| remediation.to_lowercase().contains(&name))
        })
        .cloned()
        .collect()
}

/// The named triggers that can be measured here, each once.
pub fn known(triggers: &[String]) -> Vec<TriggerMetric> {
    TriggerMetric::ALL
        .iter()
        .copied()
        .filter(|metric| triggers.iter().any(|name| TriggerMetric::from_name(name) == Some(*metric)))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_metric_is_found_by_its_own_name_and_by_the_names_of_the_runbooks() {
        for &metric in TriggerMetric::ALL {
            assert_eq!(TriggerMetric::from_name(metric.name()), Some(metric));
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.name());
            if let Some(column) = metric.alert_column() {
                assert_eq!(TriggerMetric::from_name(column), Some(metric));
            }
        }
        assert_eq!(TriggerMetric::from_name("policy_error_rate_5m"), Some(TriggerMetric::ErrorRate));
        assert_eq!(TriggerMetric::from_name("complaints"), None);
    }

    #[test]
    fn a_metric_without_data_is_clear() {
        for &metric in TriggerMetric::ALL {
            let gates = GateConfig::default();
            assert!(TriggerReading::of_decisions(metric, &RecentDecisions::default(), &gates).clear, "{metric:?}");
            assert!(TriggerReading::of_alert(metric, None).clear);
        }
        assert!(!TriggerReading::of_alert(TriggerMetric::RollbackSpike, Some(true)).clear);
    }

    #[test]
    fn unknown_triggers_are_confirmed_by_name() {
        let named = ["error_rate_5m".to_owned(), "Complaints by phone".to_owned()];
        assert_eq!(unconfirmed(&named, &["fixed"]), ["Complaints by phone"]);
        assert!(unconfirmed(&named, &["fixed", "complaints by phone have stopped"]).is_empty());
        assert_eq!(known(&named), [TriggerMetric::ErrorRate]);
    }

    proptest! {
        #[test]
        fn a_value_at_its_limit_is_clear_and_one_above_is_not(decisions in 1_u64..1000, part in 0_u64..1000) {
            let part = part.min(decisions);
            let recent = RecentDecisions { decisions, errors: part, denied: part, no_match: part, ..RecentDecisions::default() };
            let gates = GateConfig::default();
            let reading = TriggerReading::of_decisions(TriggerMetric::ErrorRate, &recent, &gates);
            prop_assert_eq!(reading.clear, part * 100 <= decisions * 5);
            let reading = TriggerReading::of_decisions(TriggerMetric::NoMatchRate, &recent, &gates);
            prop_assert_eq!(reading.clear, part * 100 <= decisions * 20);
        }
    }
}
