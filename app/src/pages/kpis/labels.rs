//! Labels of key figures, and the playbooks of the alerts.

use lifecycle::{
    kpi::{Alert, FALSE_POSITIVE_BPS, MARGIN_GAP_BPS, ROLLBACK_SPIKE_BPS, Summary},
    system::TriggerMetric,
};

use crate::components::format;

/// The value of a key figure that has nothing to measure.
pub const NOTHING: &str = "–";

/// A share in basis points: `1234` → `12.3 %`.
pub fn rate(bps: Option<i64>) -> String {
    bps.map_or_else(|| NOTHING.to_owned(), |bps| format::percent(bps as f64 / 10_000.0))
}

/// A change in basis points with its sign.
pub fn change(bps: Option<i64>) -> String {
    match bps {
        None => NOTHING.to_owned(),
        Some(0) => "±0\u{a0}bps".to_owned(),
        Some(bps) => {
            let sign = if bps < 0 { "−" } else { "+" };
            format!("{sign}{}\u{a0}bps", format::count(bps.unsigned_abs()))
        }
    }
}

/// A duration.
pub fn time(seconds: Option<f64>) -> String {
    match seconds {
        None => NOTHING.to_owned(),
        Some(seconds) if seconds < 60.0 => format!("{seconds:.1}\u{a0}s"),
        Some(seconds) => format::duration(std::time::Duration::from_secs_f64(seconds.min(1e12))),
    }
}

/// A change of a duration.
pub fn time_change(seconds: Option<f64>) -> String {
    match seconds {
        None => NOTHING.to_owned(),
        Some(seconds) => {
            let sign = if seconds < 0.0 { "−" } else { "+" };
            format!("{sign}{:.1}\u{a0}s", seconds.abs())
        }
    }
}

/// One of the three alerts, raised or quiet.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertCard {
    /// The name of the alert.
    pub title: &'static str,
    /// Whether the alert is raised.
    pub raised: bool,
    /// The key figure.
    pub value: String,
    /// The limit above which the alert is raised.
    pub limit: String,
    /// The explanation of the key figure.
    pub why: String,
    /// The key figure over the last days, as the chart shows it: never below zero.
    pub points: Vec<f64>,
    /// The limit in the chart.
    pub threshold: f64,
    /// The trigger metric of a pause for this alert.
    pub trigger: TriggerMetric,
    /// The title of the playbook.
    pub playbook: &'static str,
    /// The steps to take, in order.
    pub steps: &'static [&'static str],
    /// The conditions that end the alert.
    pub over: &'static [&'static str],
}

const ROLLBACK_STEPS: [&str; 4] = [
    "Engage the safety pause: nothing is applied or promoted while you look.",
    "Look at the table below for the candidates with the largest margin gap.",
    "On the packet of each, re-run the replay and compare its checksum; read in the audit trail who approved it and why.",
    "Roll back candidates that still serve and do harm.",
];
const ROLLBACK_OVER: [&str; 2] =
    ["The alert stays quiet for one full window of 30 days.", "The safety owner signs the release of the pause."];

const FALSE_POSITIVE_STEPS: [&str; 4] = [
    "Engage the safety pause.",
    "Compare which candidates were applied with which of them were rolled back.",
    "Read the reviewers' reasons and the Safety tab of each of their packets.",
    "Tighten the thresholds for candidates in Settings before anything is applied again.",
];
const FALSE_POSITIVE_OVER: [&str; 1] = ["The rate stays below its limit for one window of 30 days."];

const MARGIN_STEPS: [&str; 4] = [
    "Pause new applies until the drift is explained.",
    "Find the candidates that drift most in the table below.",
    "Check that outcomes are reported with their margin: a candidate without a measurement stands last.",
    "Re-run the replay of their packets and compare checksums.",
];
const MARGIN_OVER: [&str; 2] = ["The alert is quiet again.", "The cause is written down."];

/// The three alerts.
pub fn alert_cards(summary: &Summary, trend: &[Summary]) -> [AlertCard; 3] {
    [rollback_spike(summary, trend), false_positives(summary, trend), margin_gap(summary, trend)]
}

fn is_raised(summary: &Summary, alert: Alert) -> bool {
    summary.alert_reason_codes.contains(&alert)
}

/// Magnitudes over time. A day without a value counts as zero.
fn points(trend: &[Summary], figure: impl Fn(&Summary) -> Option<i64>) -> Vec<f64> {
    trend.iter().map(|day| figure(day).unwrap_or(0).unsigned_abs() as f64).collect()
}

const fn drawn(limit: i64) -> f64 {
    limit as f64
}

fn candidates(count: i64) -> String {
    format::plural(count.unsigned_abs(), "candidate", "candidates")
}

fn rollback_spike(summary: &Summary, trend: &[Summary]) -> AlertCard {
    let applied = summary.applied_candidate_count;
    let why = if applied == 0 {
        "No candidate entered service in the last 30 days.".to_owned()
    } else {
        format!(
            "{} entered service in the last 30 days; {} taken out as bad.",
            candidates(applied),
            verb(summary.rolled_back_candidate_count)
        )
    };
    AlertCard {
        title: "Rollback spike",
        raised: is_raised(summary, Alert::RollbackSpike),
        value: rate(summary.rollback_rate_bps),
        limit: format!("raised above {}", rate(Some(ROLLBACK_SPIKE_BPS))),
        why,
        points: points(trend, |day| day.rollback_rate_bps),
        threshold: drawn(ROLLBACK_SPIKE_BPS),
        trigger: TriggerMetric::RollbackSpike,
        playbook: "What to do about a rollback spike",
        steps: &ROLLBACK_STEPS,
        over: &ROLLBACK_OVER,
    }
}

fn verb(count: i64) -> String {
    if count == 1 { "1 was".to_owned() } else { format!("{} were", format::count(count.unsigned_abs())) }
}

fn false_positives(summary: &Summary, trend: &[Summary]) -> AlertCard {
    let count = summary.false_positive_candidate_count;
    let why = if summary.applied_candidate_count == 0 {
        "No candidate entered service in the last 30 days.".to_owned()
    } else {
        format!(
            "Of {} that passed review and entered service, {} rolled back afterwards.",
            candidates(summary.applied_candidate_count),
            verb(count)
        )
    };
    AlertCard {
        title: "False positives",
        raised: is_raised(summary, Alert::FalsePositiveSpike),
        value: rate(summary.false_positive_rate_bps),
        limit: format!("raised above {}", rate(Some(FALSE_POSITIVE_BPS))),
        why,
        points: points(trend, |day| day.false_positive_rate_bps),
        threshold: drawn(FALSE_POSITIVE_BPS),
        trigger: TriggerMetric::FalsePositiveSpike,
        playbook: "What to do about false positives",
        steps: &FALSE_POSITIVE_STEPS,
        over: &FALSE_POSITIVE_OVER,
    }
}

fn margin_gap(summary: &Summary, trend: &[Summary]) -> AlertCard {
    let sample = summary.projected_vs_realized_sample_size;
    let why = if sample == 0 {
        "No candidate has both a projected and a measured margin yet.".to_owned()
    } else {
        format!(
            "Over {} the packets projected {} a decision and {} was realised.",
            candidates(sample),
            change(summary.avg_projected_margin_delta_bps),
            change(summary.avg_realized_margin_delta_bps)
        )
    };
    AlertCard {
        title: "Margin gap",
        raised: is_raised(summary, Alert::MarginGapDrift),
        value: change(summary.avg_projected_vs_realized_margin_gap_bps),
        limit: format!("raised beyond {}\u{a0}bps either way", format::count(MARGIN_GAP_BPS.unsigned_abs())),
        why,
        points: points(trend, |day| day.avg_projected_vs_realized_margin_gap_bps),
        threshold: drawn(MARGIN_GAP_BPS),
        trigger: TriggerMetric::MarginGapDrift,
        playbook: "What to do about margin drift",
        steps: &MARGIN_STEPS,
        over: &MARGIN_OVER,
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::kpi;
    use policy::Timestamp;

    use super::*;

    #[test]
    fn key_figures_have_units_and_no_data_is_a_dash() {
        assert_eq!(rate(Some(1234)), "12.3\u{a0}%");
        assert_eq!(rate(None), NOTHING);
        assert_eq!(change(Some(-1250)), "−1,250\u{a0}bps");
        assert_eq!(change(Some(0)), "±0\u{a0}bps");
        assert_eq!(time(Some(0.4)), "0.4\u{a0}s");
        assert_eq!(time(Some(5400.0)), "1\u{a0}h\u{a0}30\u{a0}min");
        assert_eq!(time_change(Some(-2.0)), "−2.0\u{a0}s");
    }

    #[test]
    fn an_empty_workspace_raises_nothing_and_says_why() {
        let summary = kpi::summary(&[], Timestamp::EPOCH);
        let alert_cards = alert_cards(&summary, std::slice::from_ref(&summary));
        assert!(
            alert_cards.iter().all(|alert| !alert.raised && alert.value == NOTHING && alert.why.starts_with("No "))
        );
        assert_eq!(alert_cards[2].points, [0.0]);
    }
}
