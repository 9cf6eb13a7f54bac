//! "Why not?": the smallest change of one input that flips its decision.
//!
//! Every field that the rules for this agent and action test is cut into slots within which no condition distinguishes
//! values. In each slot the value nearest to the input's value is tried, so the search over changes of one field is
//! complete. Changes of two fields are searched only when no change of one field flips the decision. The agent and the
//! action never change.
//!
//! **Distance.** A number that moves by Δ counts Δ / (Δ + s), less than 1, where s is the span of the thresholds on
//! that field (for a single threshold its size, at least 1). Another text or the other boolean counts 1, adding or
//! removing a field 2, another type 3, a list or object 4. The distance of two changes is their sum. Of changes at the
//! same distance, the change of the field that comes first in the alphabet is taken. Where a threshold itself does not
//! flip the decision, the number goes a short step beyond it: 1 when both are whole, otherwise 0.01 or less.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Meter, QUESTION_BUDGET, phrases,
    space::{Axis, Domain, Numbers, Slot, SlotKind, Space, context},
};
use crate::{
    bundle::{Effect, Rule, condition::number_value},
    engine::{Evaluation, Input, Prepared, Question, Status, condition::lookup},
};

/// Default number of inputs that one question may try.
pub const TRIES: u64 = 100_000;

/// One field that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field, as a dotted path.
    pub field: String,
    /// The value in the input; null when absent.
    pub from: Value,
    /// The new value; null when the field is removed.
    pub to: Value,
    /// All values with the same result, in words: `≥ 85 and < 90`.
    pub values: String,
}

/// A change that flips a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NearestChange {
    /// One field, or two when no change of a single field flips the decision.
    pub changes: Vec<FieldChange>,
    /// The changed input.
    pub input: Input,
    /// The evaluator's answer to the changed input.
    pub answer: Evaluation,
    /// The distance, as defined in the module's documentation.
    pub distance: f64,
}

/// The result of the search for the nearest change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "change")]
pub enum WhyNot {
    /// The input already has the wanted effect.
    Already,
    /// The nearest change; no change is nearer.
    Found(Box<NearestChange>),
    /// No change of one or two fields flips the decision.
    None,
    /// The work budget ran out. Holds the nearest change found until then, if any.
    Undecided(Option<Box<NearestChange>>),
}

impl WhyNot {
    /// The change, if one was found.
    pub fn change(&self) -> Option<&NearestChange> {
        match self {
            Self::Found(change) | Self::Undecided(Some(change)) => Some(change),
            Self::Already | Self::None | Self::Undecided(None) => None,
        }
    }
}

/// A value to try for one field.
#[derive(Debug)]
struct Candidate {
    axis: usize,
    slot: usize,
    distance: f64,
    value: Option<Value>,
}

/// The smallest change of `input` after which `prepared` answers `wanted`, or, without `wanted`, any effect but the
/// present one. Answers that are evaluation errors do not count, and with an enforced schema only values that the
/// schema admits are tried. For an input that is in error, every answer without an error counts as different.
///
/// One unit of `meter` is one input tried; see [`TRIES`].
pub fn nearest_change(prepared: &Prepared, input: &Input, wanted: Option<Effect>, mut meter: Meter) -> WhyNot {
    let question = Question::from(input);
    let now = prepared.verdict(question);
    if now.status != Status::Error && wanted == Some(now.effect) {
        return WhyNot::Already;
    }
    let flips = |candidate: &Input| {
        let verdict = prepared.verdict(candidate.into());
        verdict.status != Status::Error
            && wanted
                .map_or(now.status == Status::Error || verdict.effect != now.effect, |wanted| verdict.effect == wanted)
    };
    let schema = prepared.schema().filter(|schema| schema.enforce);
    let domain = schema.and_then(|schema| schema.agents.get(&input.agent)).map_or(Domain::Open, Domain::Inside);
    let rules: Vec<Rule> =
        prepared.rules().filter(|rule| rule.addresses(question)).map(|rule| rule.to_rule()).collect();
    if Space::nesting_cost(&rules, domain) > QUESTION_BUDGET {
        return WhyNot::Undecided(None);
    }
    let Some(space) = Space::new(rules.iter(), domain) else {
        return WhyNot::None;
    };
    let candidates = candidates(&space, input);
    let change = |parts: &[&Candidate], changed: Input| {
        let field = |part: &&Candidate| {
            let axis = space.axes.get(part.axis)?;
            Some(FieldChange {
                field: axis.field.clone(),
                from: lookup(&input.context, &axis.field).cloned().unwrap_or_default(),
                to: part.value.clone().unwrap_or_default(),
                values: phrases::of_slot(axis, part.slot),
            })
        };
        Box::new(NearestChange {
            changes: parts.iter().filter_map(field).collect(),
            answer: prepared.decide(&changed),
            input: changed,
            distance: parts.iter().map(|part| part.distance).sum(),
        })
    };
    for candidate in &candidates {
        if !meter.spend(1) {
            return WhyNot::Undecided(None);
        }
        if let Some(changed) = apply(&space, input, candidate)
            && flips(&changed)
        {
            return WhyNot::Found(change(&[candidate], changed));
        }
    }
    let mut best: Option<Box<NearestChange>> = None;
    for (at, first) in candidates.iter().enumerate() {
        let nearer =
            |second: &Candidate| best.as_ref().is_none_or(|best| first.distance + second.distance < best.distance);
        if !candidates.get(at + 1).is_some_and(nearer) {
            break;
        }
        let Some(halfway) = apply(&space, input, first) else { continue };
        for second in candidates.iter().skip(at + 1).filter(|second| second.axis != first.axis) {
            if best.as_ref().is_some_and(|best| first.distance + second.distance >= best.distance) {
                break;
            }
            if !meter.spend(1) {
                return WhyNot::Undecided(best);
            }
            // In the order of the fields, so that `sender` exists before `sender.domain` is written into it.
            let changed = if first.axis < second.axis {
                apply(&space, &halfway, second)
            } else {
                apply(&space, input, second).and_then(|halfway| apply(&space, &halfway, first))
            };
            if let Some(changed) = changed
                && flips(&changed)
            {
                let mut parts = [first, second];
                parts.sort_by_key(|part| part.axis);
                best = Some(change(&parts, changed));
                break;
            }
        }
    }
    best.map_or(WhyNot::None, WhyNot::Found)
}

fn apply(space: &Space, input: &Input, candidate: &Candidate) -> Option<Input> {
    let axis = space.axes.get(candidate.axis)?;
    let context = context::with(&input.context, &axis.field, candidate.value.as_ref())?;
    Some(Input { agent: input.agent.clone(), action: input.action.clone(), context })
}

/// One value for each slot of each field, except the slots that the input is in, nearest first.
fn candidates(space: &Space, input: &Input) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (number, axis) in space.axes.iter().enumerate() {
        let now = lookup(&input.context, &axis.field);
        let scale = scale(axis);
        for (index, slot) in axis.slots.iter().enumerate().filter(|(_, slot)| !axis.holds(slot, now)) {
            let value = nearest(slot, now);
            let distance = distance(now, value.as_ref(), scale);
            candidates.push(Candidate { axis: number, slot: index, distance, value });
        }
    }
    // The sort is stable: of equally distant candidates, the first field comes first, and within a field the first
    // slot.
    candidates.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    candidates
}

/// The scale by which a number's change is measured.
fn scale(axis: &Axis) -> f64 {
    let cuts = || {
        axis.slots.iter().flat_map(|slot| match slot.kind {
            SlotKind::Point(at) => [Some(at), None],
            SlotKind::Between(low, high, _) => [low, high].map(|end| end.is_finite().then_some(end)),
            _ => [None, None],
        })
    };
    let low = cuts().flatten().fold(f64::INFINITY, f64::min);
    let high = cuts().flatten().fold(f64::NEG_INFINITY, f64::max);
    let span = high - low;
    if span > 0.0 && span.is_finite() {
        span
    } else if low.is_finite() {
        low.abs().max(1.0)
    } else {
        1.0
    }
}

fn distance(now: Option<&Value>, then: Option<&Value>, scale: f64) -> f64 {
    match (now, then) {
        (None, None) => 0.0,
        (_, Some(Value::Array(_) | Value::Object(_))) => 4.0,
        (None, Some(_)) | (Some(_), None) => 2.0,
        (Some(Value::Number(now)), Some(Value::Number(then))) => {
            // Halving both keeps the difference of two large numbers finite.
            let moved = (now.as_f64().unwrap_or(0.0) / 2.0 - then.as_f64().unwrap_or(0.0) / 2.0).abs();
            moved / (moved + scale / 2.0)
        }
        (Some(Value::String(_)), Some(Value::String(_))) | (Some(Value::Bool(_)), Some(Value::Bool(_))) => 1.0,
        _ => 3.0,
    }
}

/// The value of a slot that is nearest to `now`. An open interval has no nearest number, so a number a short step
/// inside is taken.
fn nearest(slot: &Slot, now: Option<&Value>) -> Option<Value> {
    let SlotKind::Between(low, high, kind) = slot.kind else { return slot.sample.clone() };
    let Some(now) = now.and_then(Value::as_f64) else { return slot.sample.clone() };
    let (bound, inward) = if now >= high { (high, -1.0) } else { (low, 1.0) };
    let inside = |value: &f64| low < *value && *value < high && kind.include(*value);
    if low < now && now < high {
        // The number lies in the interval but is of the wrong kind: an integer is wanted and the input has a fraction.
        let whole = [now.round(), now.floor(), now.ceil()].into_iter().find(inside);
        return whole.map(number_value).or_else(|| slot.sample.clone());
    }
    let rounded = |value: f64| if value.abs() < 1e9 { (value * 1e6).round() / 1e6 } else { value };
    let whole = kind == Numbers::Whole || (now.fract() == 0.0 && bound.fract() == 0.0);
    let to_whole = if inward > 0.0 { bound.floor() + 1.0 } else { bound.ceil() - 1.0 };
    let steps = [0.01, 0.0001, 0.000_001].map(|step| rounded(bound + inward * step));
    let neighbour = if inward > 0.0 { bound.next_up() } else { bound.next_down() };
    let tried = whole.then_some(to_whole).into_iter().chain(steps).chain([neighbour]);
    tried.filter(|value| value.is_finite()).find(inside).map(number_value).or_else(|| slot.sample.clone())
}

#[cfg(test)]
mod tests;
