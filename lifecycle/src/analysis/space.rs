//! The input space of one (agent, action) class: fields as axes, cut into slots that no condition tells apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Map, Value};

use crate::{
    bundle::{
        Condition, Rule, Scalar, Test,
        schema::{AgentSchema, Field, FieldType},
    },
    engine::{condition, schema, trace::ConditionResult},
};

/// A set of values of one field that every condition in question treats alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// What it holds.
    pub kind: SlotKind,
    /// One value of it; none for the absent field.
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
    /// The numbers strictly between two thresholds, which may be infinite; all of them, or only the whole or the broken
    /// ones.
    Between(f64, f64, Numbers),
    /// One string.
    Text(String),
    /// Strings that start so, and are not told apart further.
    Starting(String),
    /// Every other string.
    OtherText,
    /// Arrays and objects.
    Composite,
}

/// Which numbers of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Every number.
    All,
    /// Whole numbers.
    Whole,
    /// Numbers with a fractional part.
    Broken,
}

impl Numbers {
    fn include(self, number: f64) -> bool {
        match self {
            Self::All => true,
            Self::Whole => number.fract() == 0.0,
            Self::Broken => number.fract() != 0.0,
        }
    }
}

/// What schemas say about the fields of a space.
#[derive(Debug, Clone, Copy)]
pub enum Domain<'a> {
    /// Every value of every type.
    Open,
    /// Only inputs that this admits.
    Inside(&'a AgentSchema),
    /// Every value, cut so that each of these admits all or none of a slot.
    CutBy(&'a [&'a AgentSchema]),
}

/// One field with its slots.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The field, as a dotted path.
    pub field: String,
    /// Its slots; they are disjoint and cover all that the field may hold.
    pub slots: Vec<Slot>,
}

impl Axis {
    /// Whether a slot of this axis holds `value`; none is the absent field.
    fn holds(&self, slot: &Slot, value: Option<&Value>) -> bool {
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

    /// Whether no slot tells `text` further apart than by `prefix`.
    fn freely_starts_with(&self, prefix: &str, text: &str) -> bool {
        !self.slots.iter().any(|slot| match &slot.kind {
            SlotKind::Text(listed) => listed == text,
            SlotKind::Starting(other) => other.len() > prefix.len() && text.starts_with(other),
            _ => false,
        })
    }
}

/// A set of slots of one axis, one bit each.
pub type Bits = Arc<[u64]>;

/// A box that is restricted on some axes only.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// The restricted axes, ascending, each with the slots it keeps.
    pub parts: Vec<(usize, Bits)>,
}

/// A box with one set of slots for every axis. None of the sets is empty.
pub type Cell = Vec<Bits>;

/// What a rule is in a space.
#[derive(Debug, Clone)]
pub struct Footprint {
    /// Where it matches: every condition is true. None when that is nowhere.
    pub matches: Option<Region>,
    /// Where it decides: no condition is false, so that it matches or is in error. None when that is nowhere.
    pub decides: Option<Region>,
}

/// Axes for the fields that some rules test.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    /// The axes, by field name.
    pub axes: Vec<Axis>,
    full: Cell,
}

impl Space {
    /// The space that `rules` tell apart in `domain`. None when the domain is empty: then no input is valid and no rule
    /// is ever asked.
    pub fn new<'a>(rules: impl IntoIterator<Item = &'a Rule>, domain: Domain<'a>) -> Option<Self> {
        let mut tested: BTreeMap<&str, Vec<&Condition>> = BTreeMap::new();
        for rule in rules {
            for condition in &rule.conditions {
                tested.entry(&condition.field).or_default().push(condition);
            }
        }
        let schemas: &[&AgentSchema] = match &domain {
            Domain::Open => &[],
            Domain::Inside(schema) => std::slice::from_ref(schema),
            Domain::CutBy(schemas) => schemas,
        };
        // Declared fields count even where no rule tests them: a required one must be in every witness.
        for field in schemas.iter().flat_map(|schema| schema.fields.keys()) {
            tested.entry(field).or_default();
        }
        let mut axes = Vec::with_capacity(tested.len());
        for (field, conditions) in tested {
            let declared: Vec<&Field> = schemas.iter().filter_map(|schema| schema.fields.get(field)).collect();
            let slots = slots(&conditions, &declared, matches!(domain, Domain::Inside(_)));
            if slots.is_empty() {
                return None;
            }
            axes.push(Axis { field: field.to_owned(), slots });
        }
        let full = axes.iter().map(|axis| bits_where(axis.slots.len(), |_| true)).collect();
        Some(Self { axes, full })
    }

    /// The whole space.
    pub fn full(&self) -> Cell {
        self.full.clone()
    }

    /// Where `rule` matches and where it decides.
    pub fn footprint(&self, rule: &Rule) -> Footprint {
        let mut matches = Some(Vec::new());
        let mut decides = Some(Vec::new());
        for (index, axis) in self.axes.iter().enumerate() {
            let conditions: Vec<&Test> =
                rule.conditions.iter().filter(|c| c.field == axis.field).map(|c| &c.test).collect();
            if conditions.is_empty() {
                continue;
            }
            let results: Vec<ConditionResult> =
                axis.slots.iter().map(|slot| all_of(&conditions, slot.sample.as_ref())).collect();
            restrict(&mut matches, index, &results, |result| result == ConditionResult::True);
            restrict(&mut decides, index, &results, |result| result != ConditionResult::False);
        }
        Footprint { matches: matches.map(|parts| Region { parts }), decides: decides.map(|parts| Region { parts }) }
    }

    /// A context that lies in the first slot of every axis of `cell`.
    pub fn context(&self, cell: &Cell) -> Map<String, Value> {
        let mut context = Map::new();
        // Shorter paths first, so that `sender` is placed before `sender.domain` needs it to be an object.
        for (axis, bits) in self.axes.iter().zip(cell) {
            let slot = first_bit(bits).and_then(|index| axis.slots.get(index));
            if let Some(value) = slot.and_then(|slot| slot.sample.clone()) {
                place(&mut context, &axis.field, value);
            }
        }
        context
    }

    /// The boxes that together are everything `declared` refuses. The space must be cut by it.
    pub fn refused(&self, declared: &AgentSchema) -> Vec<Region> {
        self.axes
            .iter()
            .enumerate()
            .filter_map(|(index, axis)| {
                let field = declared.fields.get(&axis.field)?;
                let refuses =
                    |slot: usize| axis.slots.get(slot).is_some_and(|slot| !schema::admits(field, slot.sample.as_ref()));
                let bits = bits_where(axis.slots.len(), refuses);
                (!is_empty(&bits)).then(|| Region { parts: vec![(index, bits)] })
            })
            .collect()
    }

    /// Whether the point that `context` is lies in `cell`. A value outside the domain of the space lies in no cell.
    pub fn contains(&self, cell: &Cell, context: &Map<String, Value>) -> bool {
        self.axes.iter().zip(cell).all(|(axis, bits)| {
            let value = condition::lookup(context, &axis.field);
            axis.slots.iter().position(|slot| axis.holds(slot, value)).is_some_and(|slot| has(bits, slot))
        })
    }

    /// `cell` inside `region`; none when they do not meet.
    pub fn intersect(cell: &Cell, region: &Region) -> Option<Cell> {
        let mut inside = cell.clone();
        for (axis, keep) in &region.parts {
            let slot = inside.get_mut(*axis)?;
            *slot = and(slot, keep);
            if is_empty(slot) {
                return None;
            }
        }
        Some(inside)
    }
}

fn restrict(
    parts: &mut Option<Vec<(usize, Bits)>>,
    axis: usize,
    results: &[ConditionResult],
    keep: impl Fn(ConditionResult) -> bool,
) {
    let Some(list) = parts else { return };
    let kept = results.iter().filter(|result| keep(**result)).count();
    if kept == 0 {
        *parts = None;
    } else if kept < results.len() {
        list.push((axis, bits_where(results.len(), |index| results.get(index).is_some_and(|result| keep(*result)))));
    }
}

/// All conditions of a rule on one field: false wins over error, error over true.
fn all_of(tests: &[&Test], value: Option<&Value>) -> ConditionResult {
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

/// Writes `value` at a dotted path: nested where the way is free, else under the whole path as one key, which the
/// evaluator reads when the nested path leads nowhere.
fn place(context: &mut Map<String, Value>, path: &str, value: Value) {
    fn nest(map: &mut Map<String, Value>, path: &str, value: Value) -> Result<(), Value> {
        match path.split_once('.') {
            None => {
                map.insert(path.to_owned(), value);
                Ok(())
            }
            Some((head, rest)) => match map.entry(head).or_insert_with(|| Value::Object(Map::new())) {
                Value::Object(inner) => nest(inner, rest, value),
                _ => Err(value),
            },
        }
    }
    if let Err(value) = nest(context, path, value) {
        context.insert(path.to_owned(), value);
    }
}

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
        (true, false) => &[Numbers::Whole, Numbers::Broken],
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
    thresholds.sort_by(f64::total_cmp);
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

/// A double strictly between two thresholds, a whole one where any will do and there is one; none when there is none.
fn between(low: f64, high: f64, kind: Numbers) -> Option<f64> {
    let inside = |value: &f64| value.is_finite() && low < *value && *value < high;
    let whole = if low.is_finite() {
        low.floor() + 1.0
    } else if high.is_finite() {
        high.ceil() - 1.0
    } else {
        0.0
    };
    // Past 2⁵³ adding one changes nothing; there every double is whole, so the neighbour does.
    let neighbour = if low.is_finite() { low.next_up() } else { high.next_down() };
    let middle = low / 2.0 + high / 2.0;
    let broken = |value: &f64| value.fract() != 0.0;
    match kind {
        Numbers::All => [whole, middle, neighbour].into_iter().find(inside),
        Numbers::Whole => [whole, neighbour].into_iter().find(|value| inside(value) && !broken(value)),
        // Doubles thin out: a broken one between two thresholds is near the smaller one, or nowhere.
        Numbers::Broken => [whole - 0.5, whole + 0.5, middle, neighbour, high.next_down(), 0.5]
            .into_iter()
            .find(|value| inside(value) && broken(value)),
    }
}

/// The number as JSON, without a needless `.0`.
fn number(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within ±2⁵³, so the cast is exact")]
        return Value::from(value as i64);
    }
    Value::from(value)
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
    // An empty prefix leaves no other strings.
    if !prefixes.contains("")
        && let Some(sample) = unlisted("", texts, prefixes)
    {
        slots.push(Slot { kind: SlotKind::OtherText, sample: Some(Value::from(sample)) });
    }
}

/// A string that starts with `prefix`, with no longer listed prefix, and is not listed itself.
fn unlisted(prefix: &str, texts: &BTreeSet<&str>, prefixes: &BTreeSet<&str>) -> Option<String> {
    let free = |candidate: &str| {
        !texts.contains(candidate)
            && !prefixes.iter().any(|other| other.len() > prefix.len() && candidate.starts_with(other))
    };
    // One more letter than there are strings to avoid always leaves a free one.
    let letters = ('a'..='z').chain('\u{4e00}'..'\u{9fff}');
    [String::from("other"), String::new()]
        .into_iter()
        .chain(letters.map(String::from))
        .map(|suffix| format!("{prefix}{suffix}"))
        .find(|candidate| free(candidate))
}

/// A set of `len` bits, those set for which `keep` says so.
pub fn bits_where(len: usize, keep: impl Fn(usize) -> bool) -> Bits {
    let mut words = vec![0u64; len.div_ceil(64)];
    for index in (0..len).filter(|index| keep(*index)) {
        if let Some(word) = words.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }
    words.into()
}

/// Whether the bit is set.
pub fn has(bits: &Bits, index: usize) -> bool {
    bits.get(index / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
}

/// The bits in both.
pub fn and(a: &Bits, b: &Bits) -> Bits {
    a.iter().zip(b.iter()).map(|(a, b)| a & b).collect()
}

/// The bits in `a` but not in `b`.
pub fn minus(a: &Bits, b: &Bits) -> Bits {
    a.iter().zip(b.iter()).map(|(a, b)| a & !b).collect()
}

/// Whether no bit is set.
pub fn is_empty(bits: &Bits) -> bool {
    bits.iter().all(|word| *word == 0)
}

/// How many bits are set.
pub fn count(bits: &Bits) -> u32 {
    bits.iter().map(|word| word.count_ones()).sum()
}

/// The lowest bit that is set.
pub fn first_bit(bits: &Bits) -> Option<usize> {
    bits.iter()
        .enumerate()
        .find(|(_, word)| **word != 0)
        .map(|(index, word)| index * 64 + word.trailing_zeros() as usize)
}
