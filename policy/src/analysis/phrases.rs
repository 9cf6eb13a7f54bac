//! Parts of the input space in plain words: `risk_score 85 to 89`, `category phishing or malware`.

use serde::{Deserialize, Serialize};

use super::space::{Axis, Cell, Numbers, SlotKind, SlotSet, Space};
use crate::characters::write_out;

/// The condition on one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phrase {
    /// The field.
    pub field: String,
    /// The values of the field, in words.
    pub values: String,
}

/// The condition on each restricted field of a cell.
pub fn phrases(space: &Space, cell: &Cell) -> Vec<Phrase> {
    space
        .axes
        .iter()
        .zip(cell)
        .filter(|(axis, set)| set.count() < axis.slots.len())
        .map(|(axis, set)| Phrase { field: axis.field.clone(), values: values(axis, set) })
        .collect()
}

/// The values of a set of slots, in words. When the complement is shorter, it is negated: `not phishing`.
fn values(axis: &Axis, set: &SlotSet) -> String {
    let held = positive(axis, set);
    if held.len() <= 1 {
        return join(&held, "or");
    }
    let left_out = axis.full().minus(set);
    let others = positive(axis, &left_out);
    if others.len() < held.len() && others.len() <= 3 {
        format!("not {}", join(&others, "or"))
    } else {
        join(&held, "or")
    }
}

/// The values of one slot, in words.
pub(super) fn of_slot(axis: &Axis, slot: usize) -> String {
    join(&positive(axis, &SlotSet::of([(slot, slot + 1)])), "or")
}

/// The alternatives, one phrase each; neighbouring numbers form one range.
fn positive(axis: &Axis, set: &SlotSet) -> Vec<String> {
    let mut words = Vec::new();
    let mut run: Option<Run> = None;
    let mut booleans = Vec::new();
    for (index, slot) in axis.slots.iter().enumerate() {
        let held = set.has(index);
        let span = match &slot.kind {
            SlotKind::Point(number) => Some(Run { low: *number, high: *number, closed: (true, true), kind: None }),
            SlotKind::Between(low, high, kind) => {
                Some(Run { low: *low, high: *high, closed: (false, false), kind: Some(*kind) })
            }
            _ => None,
        };
        if let Some(span) = span {
            run = match (run.take(), held) {
                (Some(before), true) if before.touches(&span) => Some(before.joined(&span)),
                (before, held) => {
                    words.extend(before.map(|run| run.words()));
                    held.then_some(span)
                }
            };
            continue;
        }
        words.extend(run.take().map(|run| run.words()));
        if !held {
            continue;
        }
        match &slot.kind {
            SlotKind::Missing => words.push("absent".to_owned()),
            SlotKind::Bool(value) => booleans.push(value.to_string()),
            SlotKind::Text(text) if text.is_empty() => words.push("the empty string".to_owned()),
            SlotKind::Text(text) => words.push(write_out(text).into_owned()),
            SlotKind::Starting(prefix) => words.push(format!("other text starting with {}", write_out(prefix))),
            SlotKind::OtherText => words.push("any other text".to_owned()),
            SlotKind::Composite => words.push("a list or an object".to_owned()),
            SlotKind::Point(_) | SlotKind::Between(..) => {}
        }
    }
    words.extend(run.map(|run| run.words()));
    words.extend(booleans);
    words
}

/// A range of neighbouring numbers.
struct Run {
    low: f64,
    high: f64,
    closed: (bool, bool),
    kind: Option<Numbers>,
}

impl Run {
    /// Whether the two ranges form one. Slots come in order, so neighbours in the list are neighbours in value.
    fn touches(&self, next: &Self) -> bool {
        self.kind.is_none() || next.kind.is_none() || self.kind == next.kind || self.completes(next)
    }

    /// Whether `next` adds the fractional numbers to the whole numbers of the same interval.
    fn completes(&self, next: &Self) -> bool {
        self.kind == Some(Numbers::Whole) && next.kind == Some(Numbers::Fractional) && self.high == next.high
    }

    fn joined(self, next: &Self) -> Self {
        let kind = if self.completes(next) { Some(Numbers::All) } else { self.kind.or(next.kind) };
        Self { low: self.low, high: next.high, closed: (self.closed.0, next.closed.1), kind }
    }

    fn words(&self) -> String {
        let whole = self.kind == Some(Numbers::Whole);
        // Whole numbers read best with both ends included.
        let low = if whole && !self.closed.0 { self.low.floor() + 1.0 } else { self.low };
        let high = if whole && !self.closed.1 { self.high.ceil() - 1.0 } else { self.high };
        let closed = (self.closed.0 || whole, self.closed.1 || whole);
        let text = match (low.is_finite(), high.is_finite()) {
            (false, false) => "any number".to_owned(),
            (true, false) => format!("{} {low}", if closed.0 { "≥" } else { ">" }),
            (false, true) => format!("{} {high}", if closed.1 { "≤" } else { "<" }),
            (true, true) if low == high => low.to_string(),
            (true, true) if closed == (true, true) => format!("{low} to {high}"),
            (true, true) => {
                format!("{} {low} and {} {high}", if closed.0 { "≥" } else { ">" }, if closed.1 { "≤" } else { "<" })
            }
        };
        if self.kind == Some(Numbers::Fractional) { format!("{text} (not whole)") } else { text }
    }
}

fn join(words: &[String], last: &str) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [head @ .., tail] => format!("{} {last} {tail}", head.join(", ")),
    }
}
