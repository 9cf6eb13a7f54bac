//! The metrics a safety pause may be engaged for, and when they count as clear.

use serde::{Deserialize, Serialize};

use crate::rollout::GateConfig;

/// Highest share of decisions without a matching rule, 0–1.
pub const MAX_NO_MATCH_RATE: f64 = 0.20;

/// A metric that can be measured here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerMetric {
    /// Share of the last five minutes' decisions in error.
    #[serde(rename = "error_rate_5m")]
    ErrorRate,
    /// Share of the last five minutes' decisions that were denied.
    DenyRate,
    /// Average cost of the last five minutes' decisions against the day before.
    Cost,
    /// Share of the last five minutes' decisions that no rule matched.
    NoMatchRate,
    /// Too many applied candidates are rolled back.
    RollbackSpike,
    /// Too many approved candidates turn out wrong.
    FalsePositiveSpike,
    /// Margins come out other than projected.
    MarginGapDrift,
}

impl TriggerMetric {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ErrorRate,
        Self::DenyRate,
        Self::Cost,
        Self::NoMatchRate,
        Self::RollbackSpike,
        Self::FalsePositiveSpike,
        Self::MarginGapDrift,
    ];

    /// The name used in JSON and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate_5m",
            Self::DenyRate => "deny_rate",
            Self::Cost => "cost",
            Self::NoMatchRate => "no_match_rate",
            Self::RollbackSpike => "rollback_spike",
            Self::FalsePositiveSpike => "false_positive_spike",
            Self::MarginGapDrift => "margin_gap_drift",
        }
    }

    /// The metric called `name`, also by the names that the runbooks use for it in queries and dashboards.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        match name.as_str() {
            "policy_error_rate_5m" | "error_rate" => Some(Self::ErrorRate),
            "policy_cost_24h" => Some(Self::Cost),
            "rollback_spike_alert" => Some(Self::RollbackSpike),
            "false_positive_alert" => Some(Self::FalsePositiveSpike),
            "margin_gap_alert" => Some(Self::MarginGapDrift),
            name => Self::ALL.into_iter().find(|metric| metric.name() == name),
        }
    }

    /// The column of the KPI summary that says whether this alert is on; none for what is measured on decisions.
    pub const fn alert_column(self) -> Option<&'static str> {
        match self {
            Self::RollbackSpike => Some("rollback_spike_alert"),
            Self::FalsePositiveSpike => Some("false_positive_alert"),
            Self::MarginGapDrift => Some("margin_gap_alert"),
            Self::ErrorRate | Self::DenyRate | Self::Cost | Self::NoMatchRate => None,
        }
    }
}

/// What the last five minutes' decisions came to. Rates are unknown when there were none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Recent {
    /// Decisions.
    pub decisions: u64,
    /// Of them in error, by evaluation or by their reported outcome.
    pub errors: u64,
    /// Of them denied.
    pub denied: u64,
    /// Of them without a matching rule.
    pub no_match: u64,
    /// Average cost, USD.
    pub avg_cost: Option<f64>,
    /// Average cost over the day before, USD.
    pub baseline_avg_cost: Option<f64>,
}

/// What one trigger says now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Which.
    pub metric: TriggerMetric,
    /// Its value: a share 0–1, an increase (0.2 = 20 %), or 1 for an alert that is on; none when nothing was measured.
    pub value: Option<f64>,
    /// The highest value that is clear.
    pub limit: f64,
    /// Whether it is clear. What does not happen is clear: no decisions, no alert.
    pub clear: bool,
    /// In a sentence.
    pub detail: String,
}

impl Reading {
    fn new(metric: TriggerMetric, value: Option<f64>, limit: f64, detail: String) -> Self {
        Self { metric, value, limit, clear: value.is_none_or(|value| value <= limit), detail }
    }

    /// What a trigger measured on decisions says, held against the limits of the gates.
    pub fn of_decisions(metric: TriggerMetric, recent: &Recent, gates: &GateConfig) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts of five minutes stay far below 2^53")]
        let rate = |part: u64| (recent.decisions > 0).then(|| part as f64 / recent.decisions as f64);
        let (value, limit) = match metric {
            TriggerMetric::DenyRate => (rate(recent.denied), gates.max_deny_rate),
            TriggerMetric::NoMatchRate => (rate(recent.no_match), MAX_NO_MATCH_RATE),
            TriggerMetric::Cost => (increase(recent.avg_cost, recent.baseline_avg_cost), gates.max_cost_increase),
            _ => (rate(recent.errors), gates.max_error_rate),
        };
        let detail = match value {
            Some(value) => format!(
                "{} is {} over the last 5 minutes; its limit is {}",
                metric.name(),
                percent(value),
                percent(limit)
            ),
            None => format!("{}: nothing to measure in the last 5 minutes", metric.name()),
        };
        Self::new(metric, value, limit, detail)
    }

    /// What an alert of the KPI summary says; `on` is none where it could not be computed.
    pub fn of_alert(metric: TriggerMetric, on: Option<bool>) -> Self {
        let detail = match on {
            Some(true) => format!("{} is on in the KPI summary", metric.name()),
            Some(false) => format!("{} is off in the KPI summary", metric.name()),
            None => format!("{} cannot be computed from what was recorded", metric.name()),
        };
        Self::new(metric, on.map(|on| if on { 1.0 } else { 0.0 }), 0.0, detail)
    }
}

/// By how much `now` is above `before`, 0.2 = 20 %; from nothing to something is an increase of 100 %.
pub(crate) fn increase(now: Option<f64>, before: Option<f64>) -> Option<f64> {
    match (now?, before?) {
        (now, before) if before > 0.0 => Some((now - before) / before),
        (now, _) => Some(if now > 0.0 { 1.0 } else { 0.0 }),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// The named triggers that cannot be measured here and that no remediation mentions.
pub fn unconfirmed(triggers: &[String], remediations: &[&str]) -> Vec<String> {
    triggers
        .iter()
        .filter(|name| TriggerMetric::from_name(name).is_none())
        .filter(|name| {
            let name = name.trim().to_lowercase();
            !remediations.iter().any(|said| said.to_lowercase().contains(&name))
        })
        .cloned()
        .collect()
}

/// The named triggers that can be measured here, each once.
pub fn known(triggers: &[String]) -> Vec<TriggerMetric> {
    TriggerMetric::ALL
        .into_iter()
        .filter(|metric| triggers.iter().any(|name| TriggerMetric::from_name(name) == Some(*metric)))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_read_back_and_so_are_the_runbooks() {
        for metric in TriggerMetric::ALL {
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
    fn what_does_not_happen_is_clear() {
        for metric in TriggerMetric::ALL {
            let gates = GateConfig::default();
            assert!(Reading::of_decisions(metric, &Recent::default(), &gates).clear, "{metric:?}");
            assert!(Reading::of_alert(metric, None).clear);
        }
        assert!(!Reading::of_alert(TriggerMetric::RollbackSpike, Some(true)).clear);
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
            let recent = Recent { decisions, errors: part, denied: part, no_match: part, ..Recent::default() };
            let gates = GateConfig::default();
            let reading = Reading::of_decisions(TriggerMetric::ErrorRate, &recent, &gates);
            prop_assert_eq!(reading.clear, part * 100 <= decisions * 5);
            let reading = Reading::of_decisions(TriggerMetric::NoMatchRate, &recent, &gates);
            prop_assert_eq!(reading.clear, part * 100 <= decisions * 20);
        }
    }
}
