//! The content of the sweep: one threshold, and the outcomes over its possible values.

use policy::{bundle::Test, replay::sweep::Curve};
use worker::SweepResult;

use crate::{components::Tone, model::RuleKey, pages::studio::editor::state::parsed_draft::ParsedDraft};

/// Maximum number of thresholds offered when no rule is selected.
const MAX_OFFERED: usize = 200;

/// Colour and CSS class of each curve, in the order of `Transitions::NAMES`.
pub const LINES: [(Tone, &str); 4] = [
    (Tone::Good, "sweep-allow"),
    (Tone::Warn, "sweep-approval"),
    (Tone::Bad, "sweep-deny"),
    (Tone::Neutral, "sweep-error"),
];

/// A number in a condition that can be moved.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The rule that the condition belongs to.
    pub rule: RuleKey,
    /// The condition's position in the rule.
    pub position: usize,
    /// The key under which the condition is written.
    pub key: String,
    /// Field and operator: `risk_score ≥`.
    pub label: String,
    /// The rule's id.
    pub rule_id: String,
}

/// The curve of a threshold, with the axis it is drawn on.
#[derive(Debug, PartialEq)]
pub struct Plot {
    /// The threshold.
    pub threshold: Threshold,
    /// The outcomes at each value.
    pub curve: Curve,
    /// Days of traffic that the cases span.
    pub days: Option<f64>,
    /// The lowest value of the axis.
    pub low: f64,
    /// The highest value of the axis.
    pub high: f64,
    /// The step of the slider.
    pub step: f64,
}

impl Plot {
    /// The plot of `curved`; `None` while the worker has no curve.
    pub fn new(threshold: Threshold, curved: &SweepResult) -> Option<Self> {
        let curve = curved.curve.clone()?;
        let (low, high) = curve.range();
        let step = step(low, high, curve.whole());
        let (low, high) = (round_off_noise((low / step).floor() * step), round_off_noise((high / step).ceil() * step));
        Some(Self { threshold, days: curved.days, low, high, step, curve })
    }
}

/// The thresholds of the selected rule, or else of all rules.
pub fn thresholds(draft: &ParsedDraft, selected: Option<RuleKey>) -> Vec<Threshold> {
    let all = || {
        draft.bundle.rules.iter().filter(|rule| rule.enabled).flat_map(|rule| {
            rule.conditions.iter().enumerate().filter_map(move |(position, condition)| {
                let operator = match condition.test {
                    Test::AtLeast(_) | Test::AtMost(_) | Test::Above(_) | Test::Below(_) => condition.test.operator(),
                    _ => return None,
                };
                Some(Threshold {
                    rule: draft.content.key_at(rule.position)?,
                    position,
                    key: condition.key.clone(),
                    label: format!("{} {}", condition.field, operator.words()),
                    rule_id: rule.id.clone(),
                })
            })
        })
    };
    let own: Vec<Threshold> = all().filter(|threshold| Some(threshold.rule) == selected).collect();
    if own.is_empty() { all().take(MAX_OFFERED).collect() } else { own }
}

/// A round step that divides the range into about two hundred.
fn step(low: f64, high: f64, whole: bool) -> f64 {
    let rough = ((high - low) / 200.0).max(f64::MIN_POSITIVE);
    let step = 10_f64.powf(rough.log10().round());
    if whole { step.max(1.0) } else { step }
}

/// Rounds off the noise of binary fractions: `0.1 + 0.2` becomes 0.3.
pub fn round_off_noise(number: f64) -> f64 {
    const SCALE: f64 = 1e9;
    if number.abs() < 1e6 { (number * SCALE).round() / SCALE } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!(step(0.0, 100.0, true), 1.0);
        assert_eq!(step(0.0, 1.0, false), 0.01);
        assert_eq!(step(0.0, 3000.0, true), 10.0);
        assert_eq!(step(84.0, 86.0, true), 1.0);
        assert_eq!(round_off_noise(0.1 + 0.2), 0.3);
    }
}
