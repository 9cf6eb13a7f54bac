//! One field cut into slots within which no condition and no declaration distinguishes values.

use std::{
    collections::BTreeSet,
    ops::{Bound, Range},
};

use serde_json::Value;

use super::sets::{Run, SlotSet};
use crate::{
    bundle::{
        Condition, Scalar, Test,
        condition::number_value as number,
        schema::{AgentSchema, Field, FieldType},
    },
    engine::{
        condition::{self, ConditionResult},
        schema,
    },
};

/// A set of values of one field that every condition in question treats alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// The values that the slot contains, by kind.
    pub kind: SlotKind,
    /// One of the values; `None` for an absent field.
    pub sample: Option<Value>,
}

/// The kinds of slots.
#[derive(Debug, Clone, PartialEq)]
pub enum SlotKind {
    /// Absent or null.
    Missing,
    /// One boolean.
    Bool(bool),
    /// One number.
    Point(f64),
    /// The numbers strictly between two thresholds, which may be infinite: all of them, only the whole ones or only the
    /// fractional ones.
    Between(f64, f64, Numbers),
    /// One string.
    Text(String),
    /// Strings with this prefix, except listed strings and strings with a longer listed prefix.
    Starting(String),
    /// Every other string.
    OtherText,
    /// Arrays and objects.
    Composite,
}

/// The kinds of numbers that a slot takes from its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Every number.
    All,
    /// Whole numbers.
    Whole,
    /// Numbers with a fractional part.
    Fractional,
}

impl Numbers {
    /// Whether `number` is among these numbers.
    pub fn include(self, number: f64) -> bool {
        match self {
            Self::All => true,
            Self::Whole => number.fract() == 0.0,
            Self::Fractional => number.fract() != 0.0,
        }
    }
}

/// One field with its slots.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The field, as a dotted path.
    pub field: String,
    /// The slots; they are disjoint and cover every value the field may have.
    pub slots: Vec<Slot>,
    /// The slots of numbers, ascending.
    numbers: Range<usize>,
    /// The slots of listed strings, ascending.
    texts: Range<usize>,
    /// The slots of prefixes, ascending.
    prefixes: Range<usize>,
    /// The few other slots.
    apart: Vec<usize>,
}

impl Axis {
    /// The values of a field that an agent's schema admits, cut by conditions.
    pub fn inside(field: &str, conditions: &[&Condition], schema: &AgentSchema) -> Self {
        let declared: Vec<&Field> = schema.fields.get(field).into_iter().collect();
        Self::new(field, slots(conditions, &declared, true))
    }

    /// Every value of a field, cut by conditions and by what some schemas admit.
    pub fn cut_by(field: &str, conditions: &[&Condition], schemas: &[&AgentSchema]) -> Self {
        let declared: Vec<&Field> = schemas.iter().filter_map(|schema| schema.fields.get(field)).collect();
        Self::new(field, slots(conditions, &declared, false))
    }

    fn new(field: &str, slots: Vec<Slot>) -> Self {
        let range = |wanted: fn(&SlotKind) -> bool| {
            let start = slots.iter().position(|slot| wanted(&slot.kind)).unwrap_or(0);
            start..start + slots.iter().filter(|slot| wanted(&slot.kind)).count()
        };
        let numbers = range(|kind| matches!(kind, SlotKind::Point(_) | SlotKind::Between(..)));
        let texts = range(|kind| matches!(kind, SlotKind::Text(_)));
        let prefixes = range(|kind| matches!(kind, SlotKind::Starting(_)));
        let ranged = |slot: &usize| [&numbers, &texts, &prefixes].iter().any(|range| range.contains(slot));
        let apart = (0..slots.len()).filter(|slot| !ranged(slot)).collect();
        Self { field: field.to_owned(), slots, numbers, texts, prefixes, apart }
    }

    /// Every slot.
    pub fn full(&self) -> SlotSet {
        SlotSet::first_of(self.slots.len())
    }

    /// The combined result of all `tests`, as runs of slots with equal results. The evaluator is called only at slots
    /// where a result may change.
    pub fn evaluate<'t>(&self, tests: impl Iterator<Item = &'t Test> + Clone) -> Vec<(Run, ConditionResult)> {
        let mut starts = Vec::with_capacity(24);
        starts.extend_from_slice(&self.apart);
        let ranges = [&self.numbers, &self.texts, &self.prefixes].into_iter().filter(|range| !range.is_empty());
        starts.extend(ranges.map(|range| range.start));
        for test in tests.clone() {
            self.change_points(test, &mut starts);
        }
        starts.sort_unstable();
        starts.dedup();
        let ends = starts.iter().skip(1).copied().chain([self.slots.len()]);
        let results = starts.iter().zip(ends).filter_map(|(start, end)| {
            let sample = self.slots.get(*start)?.sample.as_ref();
            Some(((*start, end), all_of(tests.clone(), sample)))
        });
        results.collect()
    }

    /// The slots at which the result of `test` may differ from its result at the slot before.
    fn change_points(&self, test: &Test, starts: &mut Vec<usize>) {
        match test {
            Test::AtLeast(limit) | Test::AtMost(limit) | Test::Above(limit) | Test::Below(limit) => {
                self.change_points_at(*limit, starts);
            }
            Test::In(list) | Test::NotIn(list) => {
                for value in list {
                    match value {
                        Scalar::Number(number) => self.change_points_at(*number, starts),
                        Scalar::String(text) => {
                            let at = self.find(&self.texts, |other| other < text.as_str());
                            starts.extend([at, at + 1].into_iter().filter(|slot| self.texts.contains(slot)));
                        }
                        Scalar::Bool(_) => {}
                    }
                }
            }
            Test::StartsWith(prefix) => {
                let prefix = prefix.as_str();
                for range in [&self.texts, &self.prefixes] {
                    let first = self.find(range, |text| text < prefix);
                    let last = self.find(range, |text| text < prefix || text.starts_with(prefix));
                    starts.extend([first, last].into_iter().filter(|slot| range.contains(slot)));
                }
            }
            Test::Present(_) => {}
        }
    }

    /// The slots that touch `number`, and the slot after them.
    fn change_points_at(&self, number: f64, starts: &mut Vec<usize>) {
        let numbers = self.slots.get(self.numbers.clone()).unwrap_or_default();
        let below = numbers.partition_point(|slot| match slot.kind {
            SlotKind::Point(at) => at < number,
            SlotKind::Between(_, high, _) => high <= number,
            _ => false,
        });
        let touching = numbers.get(below..).unwrap_or_default().iter().take_while(|slot| match slot.kind {
            SlotKind::Point(at) => at <= number,
            SlotKind::Between(low, ..) => low < number,
            _ => false,
        });
        let first = self.numbers.start + below;
        let all = first..=first + touching.count();
        starts.extend(all.filter(|slot| self.numbers.contains(slot)));
    }

    /// The first slot of a range of strings for which `before` is no longer true.
    fn find(&self, range: &Range<usize>, before: impl Fn(&str) -> bool) -> usize {
        let slots = self.slots.get(range.clone()).unwrap_or_default();
        range.start
            + slots.partition_point(|slot| match &slot.kind {
                SlotKind::Text(text) | SlotKind::Starting(text) => before(text),
                _ => false,
            })
    }

    /// Whether a slot of this axis holds `value`; `None` stands for an absent field.
    pub fn holds(&self, slot: &Slot, value: Option<&Value>) -> bool {
        match (&slot.kind, value) {
            (SlotKind::Missing, None | Some(Value::Null)) => true,
            (SlotKind::Bool(wanted), Some(Value::Bool(found))) => wanted == found,
            (SlotKind::Point(wanted), Some(Value::Number(found))) => found.as_f64() == Some(*wanted),
            (SlotKind::Between(low, high, kind), Some(Value::Number(found))) => {
                found.as_f64().is_some_and(|found| *low < found && found < *high && kind.include(found))
            }
            (SlotKind::Text(wanted), Some(Value::String(found))) => wanted == found,
            (SlotKind::Starting(prefix), Some(Value::String(found))) => {
                found.starts_with(prefix) && self.freely_starts_with(prefix, found)
            }
            (SlotKind::OtherText, Some(Value::String(found))) => self.freely_starts_with("", found),
            (SlotKind::Composite, Some(Value::Array(_) | Value::Object(_))) => true,
            _ => false,
        }
    }

    /// Whether no slot is more specific about `text` than the slot of `prefix`.
    fn freely_starts_with(&self, prefix: &str, text: &str) -> bool {
        !self.slots.iter().any(|slot| match &slot.kind {
            SlotKind::Text(listed) => listed == text,
            SlotKind::Starting(other) => other.len() > prefix.len() && text.starts_with(other),
            _ => false,
        })
    }
}

/// The slots of one field, cut by `conditions` and by declarations.
fn slots(conditions: &[&Condition], declared: &[&Field], inside: bool) -> Vec<Slot> {
    let mut numbers: Vec<f64> = Vec::new();
    let mut texts: BTreeSet<&str> = BTreeSet::new();
    let mut prefixes: BTreeSet<&str> = BTreeSet::new();
    let mut listed: Vec<&Scalar> = Vec::new();
    for condition in conditions {
        match &condition.test {
            Test::AtLeast(limit) | Test::AtMost(limit) | Test::Above(limit) | Test::Below(limit) => {
                numbers.push(*limit);
            }
            Test::In(list) | Test::NotIn(list) => listed.extend(list),
            Test::StartsWith(prefix) => {
                prefixes.insert(prefix);
            }
            Test::Present(_) => {}
        }
    }
    for field in declared {
        listed.extend(field.allowed.iter().flatten());
        numbers.extend(field.min.iter().chain(&field.max));
    }
    for value in listed {
        match value {
            Scalar::Number(number) => numbers.push(*number),
            Scalar::String(text) => {
                texts.insert(text);
            }
            Scalar::Bool(_) => {}
        }
    }
    let whole = declared.iter().any(|field| field.kind == FieldType::Integer);
    let kinds: &[Numbers] = match (whole, inside) {
        (false, _) => &[Numbers::All],
        (true, true) => &[Numbers::Whole],
        (true, false) => &[Numbers::Whole, Numbers::Fractional],
    };

    let mut slots = vec![Slot { kind: SlotKind::Missing, sample: None }];
    slots.extend([false, true].map(|value| Slot { kind: SlotKind::Bool(value), sample: Some(Value::Bool(value)) }));
    number_slots(numbers, kinds, &mut slots);
    text_slots(&texts, &prefixes, &mut slots);
    slots.push(Slot { kind: SlotKind::Composite, sample: Some(Value::Array(Vec::new())) });
    if inside {
        slots.retain(|slot| declared.iter().all(|field| schema::admits(field, slot.sample.as_ref())));
    }
    slots
}

fn number_slots(mut thresholds: Vec<f64>, kinds: &[Numbers], slots: &mut Vec<Slot>) {
    thresholds.iter_mut().for_each(|number| *number += 0.0); // -0 becomes 0: they are the same number
    thresholds.retain(|number| number.is_finite());
    thresholds.sort_unstable_by(f64::total_cmp);
    thresholds.dedup();
    let mut low = f64::NEG_INFINITY;
    for high in thresholds.iter().copied().chain([f64::INFINITY]) {
        for kind in kinds {
            if let Some(sample) = between(low, high, *kind) {
                slots.push(Slot { kind: SlotKind::Between(low, high, *kind), sample: Some(number(sample)) });
            }
        }
        if high.is_finite() && (kinds != [Numbers::Whole] || high.fract() == 0.0) {
            slots.push(Slot { kind: SlotKind::Point(high), sample: Some(number(high)) });
        }
        low = high;
    }
}

/// A double strictly between two thresholds, preferably whole where the kind allows any number; `None` when there is no
/// such double.
fn between(low: f64, high: f64, kind: Numbers) -> Option<f64> {
    let inside = |value: &f64| value.is_finite() && low < *value && *value < high;
    let whole = if low.is_finite() {
        low.floor() + 1.0
    } else if high.is_finite() {
        high.ceil() - 1.0
    } else {
        0.0
    };
    // Past 2⁵³ adding one changes nothing. Every double there is whole, so the neighbouring double will do.
    let neighbour = if low.is_finite() { low.next_up() } else { high.next_down() };
    let middle = low / 2.0 + high / 2.0;
    let fractional = |value: &f64| value.fract() != 0.0;
    match kind {
        Numbers::All => [whole, middle, neighbour].into_iter().find(inside),
        Numbers::Whole => [whole, neighbour].into_iter().find(|value| inside(value) && !fractional(value)),
        // Doubles thin out: a fractional double between two thresholds lies near the smaller threshold, or does not
        // exist.
        Numbers::Fractional => [whole - 0.5, whole + 0.5, middle, neighbour, high.next_down(), 0.5]
            .into_iter()
            .find(|value| inside(value) && fractional(value)),
    }
}

fn text_slots(texts: &BTreeSet<&str>, prefixes: &BTreeSet<&str>, slots: &mut Vec<Slot>) {
    for text in texts {
        slots.push(Slot { kind: SlotKind::Text((*text).to_owned()), sample: Some(Value::from(*text)) });
    }
    for prefix in prefixes {
        if let Some(sample) = unlisted(prefix, texts, prefixes) {
            slots.push(Slot { kind: SlotKind::Starting((*prefix).to_owned()), sample: Some(Value::from(sample)) });
        }
    }
    // With an empty prefix there are no other strings.
    if !prefixes.contains("")
        && let Some(sample) = unlisted("", texts, prefixes)
    {
        slots.push(Slot { kind: SlotKind::OtherText, sample: Some(Value::from(sample)) });
    }
}

/// A string that starts with `prefix` but with no longer listed prefix, and that is not listed itself.
fn unlisted(prefix: &str, texts: &BTreeSet<&str>, prefixes: &BTreeSet<&str>) -> Option<String> {
    // Prefixes that extend this prefix directly follow it in the order.
    let longer = || {
        let behind = prefixes.range::<str, _>((Bound::Excluded(prefix), Bound::Unbounded)).copied();
        behind.take_while(|other| other.starts_with(prefix))
    };
    let free = |candidate: &str| !texts.contains(candidate) && !longer().any(|other| candidate.starts_with(other));
    // With one more letter than there are strings to avoid, some letter is always free.
    let letters = ('a'..='z').chain('\u{4e00}'..'\u{9fff}');
    [String::from("other"), String::new()]
        .into_iter()
        .chain(letters.map(String::from))
        .map(|suffix| format!("{prefix}{suffix}"))
        .find(|candidate| free(candidate))
}

/// The result of all conditions of a rule on one field: false wins over error, error over true.
fn all_of<'t>(tests: impl Iterator<Item = &'t Test>, value: Option<&Value>) -> ConditionResult {
    let mut together = ConditionResult::True;
    for test in tests {
        match condition::apply(test, value) {
            ConditionResult::False => return ConditionResult::False,
            ConditionResult::Error => together = ConditionResult::Error,
            ConditionResult::True => {}
        }
    }
    together
}
