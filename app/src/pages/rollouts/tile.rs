//! The content of a gate's tile, in words.

use std::time::Duration;

use lifecycle::rollout::{Gate, GateName, GateVerdict};

use crate::{components::format, labels};

/// The content of a gate's tile.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tile {
    /// The metric.
    pub title: &'static str,
    /// The value.
    pub value: String,
    /// The limit, in words.
    pub limit: String,
    /// The interval of the value, where there is one.
    pub interval: Option<TileInterval>,
    /// What else is known: interval, stable's value, coverage, subjects.
    pub details: Option<String>,
    /// The verdict of the gate.
    pub verdict: GateVerdict,
    /// The explanation, unless the gate passes as usual.
    pub message: Option<String>,
}

/// The interval of a value, drawn beside its limit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TileInterval {
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
    /// The value.
    pub value: f64,
    /// The limit.
    pub limit: f64,
    /// All of it in words.
    pub words: String,
}

/// The tile of `gate`.
pub(super) fn tile(gate: &Gate) -> Tile {
    let none = || "no data".to_owned();
    let whole = |value: f64| format::count(value.max(0.0).round() as u64);
    let (title, value, limit) = match gate.name {
        GateName::SampleSize => {
            ("Sample size", gate.value.map_or_else(none, whole), format!("needs {} decisions", whole(gate.threshold)))
        }
        GateName::ErrorRate => ("Error rate", gate.value.map_or_else(none, format::percent), limit(gate.threshold)),
        GateName::DenyRate => ("Deny rate", gate.value.map_or_else(none, format::percent), limit(gate.threshold)),
        GateName::CostIncrease => (
            "Cost change",
            gate.value.map_or_else(none, format::change),
            format!("limit +{:.0} %", gate.threshold * 100.0),
        ),
    };
    // A pass above the limit, or without a value, needs its reason.
    let usual = gate.name == GateName::SampleSize || gate.value.is_some_and(|value| value <= gate.threshold + 1e-9);
    let message = (gate.verdict != GateVerdict::Pass || !usual).then(|| labels::unticked(&gate.message));
    let interval = gate.interval.zip(gate.value).map(|(interval, value)| TileInterval {
        lower: interval.lower,
        upper: interval.upper,
        value,
        limit: gate.threshold,
        words: format!(
            "{title} {}, {}, {limit}",
            shown(gate.name, value),
            range(gate.name, interval.lower, interval.upper)
        ),
    });
    Tile { title, value, limit, interval, details: details(gate), verdict: gate.verdict, message }
}

fn limit(share: f64) -> String {
    format!("limit {:.0} %", share * 100.0)
}

fn shown(name: GateName, value: f64) -> String {
    if name == GateName::CostIncrease { format::change(value) } else { format::percent(value) }
}

fn range(name: GateName, lower: f64, upper: f64) -> String {
    format!("likely {} to {}", shown(name, lower), shown(name, upper))
}

/// Interval, stable, coverage, subjects and the expected wait, separated by dots.
fn details(gate: &Gate) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(interval) = gate.interval {
        let about = if gate.approximate { " (approximate)" } else { "" };
        parts.push(format!("{}{about}", range(gate.name, interval.lower, interval.upper)));
    }
    if let Some(stable) = gate.stable {
        let words = match gate.name {
            GateName::CostIncrease => labels::unit_cost(stable),
            GateName::DenyRate => format!("{} of the same requests", format::percent(stable)),
            _ => format::percent(stable),
        };
        parts.push(format!("stable {words}"));
    }
    if let Some(coverage) = gate.coverage.filter(|coverage| coverage.expected > 0) {
        let share = format::percent(coverage.share().unwrap_or(0.0));
        parts.push(format!("{share} {}", if gate.name == GateName::CostIncrease { "with a cost" } else { "reported" }));
    }
    if let Some(subjects) = gate.subjects.filter(|_| gate.name == GateName::SampleSize) {
        parts.push(format::plural(subjects, "subject", "subjects"));
    }
    if let Some(seconds) = gate.wait_seconds {
        parts.push(format!("about {} more", format::duration(Duration::from_secs(seconds))));
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use lifecycle::{confidence::Interval, rollout::Coverage};

    use super::*;

    fn gate(name: GateName, value: Option<f64>, threshold: f64) -> Gate {
        Gate {
            name,
            verdict: GateVerdict::Pass,
            value,
            threshold,
            sample: 337,
            subjects: Some(61),
            interval: None,
            approximate: false,
            stable: None,
            coverage: None,
            wait_seconds: None,
            waiting_will_not_help: None,
            message: "fine".into(),
        }
    }

    #[test]
    fn tiles_show_units_and_only_say_more_when_needed() {
        let cost = gate(GateName::CostIncrease, Some(0.14), 0.2);
        let shown = tile(&cost);
        assert_eq!((shown.value.as_str(), shown.limit.as_str()), ("+14\u{a0}%", "limit +20 %"));
        assert_eq!((shown.message, shown.details), (None, None));
        let empty = tile(&Gate { verdict: GateVerdict::Hold, ..gate(GateName::ErrorRate, None, 0.05) });
        assert_eq!(empty.value, "no data");
        assert_eq!(empty.message.as_deref(), Some("fine"));
        let alike = tile(&gate(GateName::DenyRate, Some(0.475), 0.3));
        assert_eq!(alike.message.as_deref(), Some("fine"), "a pass above the limit says why");
    }

    #[test]
    fn a_tile_says_how_sure_it_is_and_what_stable_does() {
        let errors = Gate {
            interval: Some(Interval { lower: 0.004, upper: 0.031 }),
            stable: Some(0.014),
            coverage: Some(Coverage { known: 96, expected: 100 }),
            ..gate(GateName::ErrorRate, Some(0.012), 0.05)
        };
        let shown = tile(&errors);
        let plain = |text: &str| text.replace('\u{a0}', " ");
        assert_eq!(plain(shown.details.as_deref().unwrap()), "likely 0.4 % to 3.1 % · stable 1.4 % · 96 % reported");
        assert_eq!(plain(&shown.interval.unwrap().words), "Error rate 1.2 %, likely 0.4 % to 3.1 %, limit 5 %");
        let sample = tile(&Gate {
            verdict: GateVerdict::Hold,
            wait_seconds: Some(240),
            ..gate(GateName::SampleSize, Some(337.0), 400.0)
        });
        assert_eq!(plain(&sample.details.unwrap()), "61 subjects · about 4 min more");
    }
}
