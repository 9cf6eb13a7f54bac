//! The input space of one (agent, action) class: fields as axes, cut into slots that no condition tells apart.

mod bits;
pub(crate) mod context;
mod slots;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use bits::{Bits, and, bits_where, count, first_bit, has, is_empty, minus};
pub use slots::{Axis, Numbers, Slot, SlotKind};

use crate::{
    bundle::{
        Condition, Rule, Test,
        schema::{AgentSchema, Field},
    },
    engine::{condition, schema, trace::ConditionResult},
};

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
            let slots = slots::slots(&conditions, &declared, matches!(domain, Domain::Inside(_)));
            if slots.is_empty() {
                return None;
            }
            axes.push(Axis { field: field.to_owned(), slots });
        }
        let full = axes.iter().map(|axis| bits_where(axis.slots.len(), |_| true)).collect();
        Some(Self { axes, full })
    }

    /// What [`Self::new`] and the [`Self::footprint`] of each rule cost, in units of a [`Meter`](super::Meter): it grows
    /// with the square of the rules on one field, so it has to be asked before.
    pub fn cost<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> u64 {
        let mut fields: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for condition in rules.into_iter().flat_map(|rule| &rule.conditions) {
            let (tests, slots) = fields.entry(&condition.field).or_insert((0, 6));
            let listed = match &condition.test {
                Test::In(list) | Test::NotIn(list) => list.len() as u64,
                _ => 1,
            };
            *tests += 1 + listed / 4;
            *slots += 2 * listed;
        }
        // Trying one slot is a fraction of comparing two boxes.
        fields.values().map(|(tests, slots)| tests.saturating_mul(*slots) / 4).fold(0, u64::saturating_add)
    }

    /// The whole space.
    pub fn full(&self) -> Cell {
        self.full.clone()
    }

    /// Where `rule` matches and where it decides.
    pub fn footprint(&self, rule: &Rule) -> Footprint {
        let mut matches = Some(Vec::new());
        let mut decides = Some(Vec::new());
        let mut tests: BTreeMap<usize, Vec<&Test>> = BTreeMap::new();
        for condition in &rule.conditions {
            if let Ok(index) = self.axes.binary_search_by(|axis| axis.field.as_str().cmp(&condition.field)) {
                tests.entry(index).or_default().push(&condition.test);
            }
        }
        for (index, conditions) in tests {
            let Some(axis) = self.axes.get(index) else { continue };
            let results: Vec<ConditionResult> =
                axis.slots.iter().map(|slot| all_of(&conditions, slot.sample.as_ref())).collect();
            restrict(&mut matches, index, &results, |result| result == ConditionResult::True);
            restrict(&mut decides, index, &results, |result| result != ConditionResult::False);
        }
        Footprint { matches: matches.map(|parts| Region { parts }), decides: decides.map(|parts| Region { parts }) }
    }

    /// A context that lies in the first slot of every axis of `cell`.
    pub fn context(&self, cell: &Cell) -> Map<String, Value> {
        let mut facts = Map::new();
        // Shorter paths first, so that `sender` is placed before `sender.domain` needs it to be an object.
        for (axis, bits) in self.axes.iter().zip(cell) {
            let slot = first_bit(bits).and_then(|index| axis.slots.get(index));
            if let Some(value) = slot.and_then(|slot| slot.sample.clone()) {
                context::place(&mut facts, &axis.field, value);
            }
        }
        facts
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
