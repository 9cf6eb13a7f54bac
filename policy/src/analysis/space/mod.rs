//! The input space of one (agent, action) class: fields as axes, cut into slots within which no condition distinguishes
//! values.

pub(crate) mod context;
mod impossible;
mod nesting;
mod sets;
mod slots;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use sets::{Run, SlotSet};
pub use slots::{Axis, Numbers, Slot, SlotKind};

use crate::{
    bundle::{
        Condition, Rule, Test,
        schema::{AgentSchema, Field},
    },
    engine::{
        condition::{self, ConditionResult},
        schema,
    },
};

/// The cost of two fields of which one is inside the other: every question looks at them, and so they must be few.
const PAIR_COST: u64 = 256;

/// How schemas restrict the fields of a space.
#[derive(Debug, Clone, Copy)]
pub enum Domain<'a> {
    /// Every value of every type.
    Open,
    /// Only the inputs that this schema admits.
    Inside(&'a AgentSchema),
    /// Every value, cut so that each of these schemas admits either all values of a slot or none.
    CutBy(&'a [&'a AgentSchema]),
}

impl<'a> Domain<'a> {
    fn schemas(&self) -> &[&'a AgentSchema] {
        match self {
            Self::Open => &[],
            Self::Inside(schema) => std::slice::from_ref(schema),
            Self::CutBy(schemas) => schemas,
        }
    }
}

/// A box-shaped set of inputs that is restricted on some axes only.
#[derive(Debug, Clone, PartialEq)]
pub struct Cuboid {
    /// The restricted axes, ascending, each with the slots that the cuboid keeps.
    pub parts: Vec<(usize, SlotSet)>,
}

impl Cuboid {
    /// Whether the two cuboids have a point in common.
    pub fn intersects(&self, other: &Self) -> bool {
        self.parts.iter().all(|(axis, keep)| {
            let same = other.parts.binary_search_by_key(axis, |(axis, _)| *axis).ok();
            same.and_then(|at| other.parts.get(at)).is_none_or(|(_, other)| keep.intersects(other))
        })
    }
}

/// A cuboid with one set of slots for every axis. None of the sets is empty.
pub type Cell = Vec<SlotSet>;

/// The inputs of a space that a rule matches and decides.
#[derive(Debug, Clone)]
pub struct Footprint {
    /// The cuboid in which every condition is true. `None` when it is empty.
    pub matches: Option<Cuboid>,
    /// The cuboid in which no condition is false, so that the rule matches or errs. `None` when it is empty.
    pub decides: Option<Cuboid>,
}

/// Axes for the fields that some rules test.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Space {
    /// The axes, by field name.
    pub axes: Vec<Axis>,
    full: Cell,
    impossible: Vec<Cuboid>,
}

impl Space {
    /// The space that `rules` cut in `domain`. Returns `None` when the domain is empty, because then no input is valid
    /// and no rule is ever evaluated.
    pub fn new<'a>(rules: impl IntoIterator<Item = &'a Rule>, domain: Domain<'a>) -> Option<Self> {
        let mut tested: BTreeMap<&str, Vec<&Condition>> = BTreeMap::new();
        for rule in rules {
            for condition in &rule.conditions {
                tested.entry(&condition.field).or_default().push(condition);
            }
        }
        let schemas = domain.schemas();
        // Declared fields count even where no rule tests them: a required field must be in every witness.
        for field in schemas.iter().flat_map(|schema| schema.fields.keys()) {
            tested.entry(field).or_default();
        }
        let mut axes = Vec::with_capacity(tested.len());
        for (field, conditions) in tested {
            let axis = match domain {
                Domain::Inside(schema) => Axis::inside(field, &conditions, schema),
                Domain::Open | Domain::CutBy(_) => Axis::cut_by(field, &conditions, schemas),
            };
            if axis.slots.is_empty() {
                return None;
            }
            axes.push(axis);
        }
        let full = axes.iter().map(Axis::full).collect();
        let impossible = Cuboid::all_impossible(&axes);
        Some(Self { axes, full, impossible })
    }

    /// The cost of [`Self::new`] and of the [`Self::footprint`] of every rule, in units of a [`Meter`](super::Meter).
    pub fn cost<'a>(rules: impl IntoIterator<Item = &'a Rule> + Clone, domain: Domain<'a>) -> u64 {
        let nested = Self::nesting_cost(rules.clone(), domain);
        let tests = rules.into_iter().flat_map(|rule| &rule.conditions).map(|condition| match &condition.test {
            // Each value of a list is compared with the whole list.
            Test::In(list) | Test::NotIn(list) => (list.len() as u64).saturating_mul(list.len() as u64) / 8 + 1,
            _ => 1,
        });
        tests.fold(nested, u64::saturating_add)
    }

    /// The part of [`Self::cost`] that is due to fields inside each other.
    pub fn nesting_cost<'a>(rules: impl IntoIterator<Item = &'a Rule>, domain: Domain<'a>) -> u64 {
        let tested = rules.into_iter().flat_map(|rule| &rule.conditions).map(|condition| condition.field.as_str());
        let declared = domain.schemas().iter().flat_map(|schema| schema.fields.keys()).map(String::as_str);
        nesting::nested(tested.chain(declared)).saturating_mul(PAIR_COST)
    }

    /// Replaces some axes.
    pub fn set_axes(&mut self, axes: impl IntoIterator<Item = (usize, Axis)>) {
        for (at, axis) in axes {
            if let (Some(full), Some(old)) = (self.full.get_mut(at), self.axes.get_mut(at)) {
                *full = axis.full();
                *old = axis;
            }
        }
        self.impossible = Cuboid::all_impossible(&self.axes);
    }

    /// The slots of an axis that `field` admits. The axis must be cut by the field's declaration.
    pub fn admitted(&self, axis: usize, field: &Field) -> SlotSet {
        let slots = self.axes.get(axis).map(|axis| axis.slots.as_slice()).unwrap_or_default();
        SlotSet::those(slots.len(), |slot| {
            slots.get(slot).is_some_and(|slot| schema::admits(field, slot.sample.as_ref()))
        })
    }

    /// The number of the axis of a field.
    pub fn axis(&self, field: &str) -> Option<usize> {
        self.axes.binary_search_by(|axis| axis.field.as_str().cmp(field)).ok()
    }

    /// The whole space.
    pub fn full(&self) -> Cell {
        self.full.clone()
    }

    /// The cuboids in which `rule` matches and in which it decides.
    pub fn footprint(&self, rule: &Rule) -> Footprint {
        let mut matches = Some(Vec::new());
        let mut decides = Some(Vec::new());
        let mut tests: Vec<(usize, &Test)> = Vec::with_capacity(rule.conditions.len());
        for condition in &rule.conditions {
            if let Some(index) = self.axis(&condition.field) {
                tests.push((index, &condition.test));
            }
        }
        tests.sort_by_key(|(axis, _)| *axis);
        for on_axis in tests.chunk_by(|a, b| a.0 == b.0) {
            let Some((index, axis)) = on_axis.first().and_then(|(index, _)| Some((*index, self.axes.get(*index)?)))
            else {
                continue;
            };
            let results = axis.evaluate(on_axis.iter().map(|(_, test)| *test));
            let keep = |wanted: fn(ConditionResult) -> bool| {
                SlotSet::of(results.iter().filter(|(_, result)| wanted(*result)).map(|(run, _)| *run))
            };
            restrict(&mut matches, index, axis, keep(|result| result == ConditionResult::True));
            restrict(&mut decides, index, axis, keep(|result| result != ConditionResult::False));
        }
        Footprint { matches: matches.map(|parts| Cuboid { parts }), decides: decides.map(|parts| Cuboid { parts }) }
    }

    /// Updates the `footprint` of `rule` after the axes in `cut` have changed.
    pub fn update_footprint(&self, rule: &Rule, cut: &[usize], footprint: &mut Footprint) {
        let (Some(matches), Some(decides)) = (&mut footprint.matches, &mut footprint.decides) else {
            // A single axis made the footprint empty, and that axis may have changed.
            *footprint = self.footprint(rule);
            return;
        };
        let mut empty = false;
        for (index, axis) in cut.iter().filter_map(|index| Some((*index, self.axes.get(*index)?))) {
            let tests = rule.conditions.iter().filter(|condition| condition.field == axis.field);
            let tests = tests.map(|condition| &condition.test);
            if tests.clone().next().is_none() {
                continue;
            }
            let results = axis.evaluate(tests);
            for (cuboid, wanted) in [(&mut *matches, true), (&mut *decides, false)] {
                let keep = |result: ConditionResult| {
                    if wanted { result == ConditionResult::True } else { result != ConditionResult::False }
                };
                let kept = SlotSet::of(results.iter().filter(|(_, result)| keep(*result)).map(|(run, _)| *run));
                empty |= kept.is_empty();
                let whole = kept.count() == axis.slots.len();
                match cuboid.parts.binary_search_by_key(&index, |(axis, _)| *axis) {
                    Ok(at) if whole => drop(cuboid.parts.remove(at)),
                    Ok(at) => cuboid.parts.iter_mut().skip(at).take(1).for_each(|part| part.1 = kept.clone()),
                    Err(_) if whole => {}
                    Err(at) => cuboid.parts.insert(at, (index, kept)),
                }
            }
        }
        if empty {
            *footprint = self.footprint(rule);
        }
    }

    /// The cuboids of which no point is the point of any context: a field cannot be a text and have fields inside it.
    pub fn impossible(&self) -> &[Cuboid] {
        &self.impossible
    }

    /// Whether some context lies in the first slot of every axis of `cell`.
    pub fn is_possible(&self, cell: &Cell) -> bool {
        !self.impossible.iter().any(|cuboid| {
            cuboid
                .parts
                .iter()
                .all(|(axis, keep)| cell.get(*axis).and_then(SlotSet::first).is_some_and(|slot| keep.has(slot)))
        })
    }

    /// The cuboids whose union is everything that `declared` refuses. The space must be cut by `declared`.
    pub fn refused(&self, declared: &AgentSchema) -> Vec<Cuboid> {
        self.axes
            .iter()
            .enumerate()
            .filter_map(|(index, axis)| {
                let field = declared.fields.get(&axis.field)?;
                let refused = axis.full().minus(&self.admitted(index, field));
                (!refused.is_empty()).then(|| Cuboid { parts: vec![(index, refused)] })
            })
            .collect()
    }

    /// Whether `context` lies in `cell`. A value outside the domain of the space lies in no cell.
    pub fn contains(&self, cell: &Cell, context: &Map<String, Value>) -> bool {
        self.axes.iter().zip(cell).all(|(axis, set)| {
            let value = condition::lookup(context, &axis.field);
            axis.slots.iter().position(|slot| axis.holds(slot, value)).is_some_and(|slot| set.has(slot))
        })
    }

    /// Whether a cell and a cuboid have a point in common.
    pub fn touches(cell: &Cell, cuboid: &Cuboid) -> bool {
        cuboid.parts.iter().all(|(axis, keep)| cell.get(*axis).is_some_and(|have| have.intersects(keep)))
    }

    /// Whether every point of `cell` is in `cuboid`.
    pub fn is_within(cell: &Cell, cuboid: &Cuboid) -> bool {
        cuboid.parts.iter().all(|(axis, keep)| cell.get(*axis).is_some_and(|have| have.within(keep)))
    }

    /// The intersection of two cells; `None` when it is empty.
    pub fn common(one: &Cell, two: &Cell) -> Option<Cell> {
        let axes = one.iter().zip(two).map(|(one, two)| one.and(two));
        axes.map(|set| (!set.is_empty()).then_some(set)).collect()
    }

    /// The disjoint slabs of `cell` outside `cuboid`.
    pub fn outside(cell: Cell, cuboid: &Cuboid) -> Vec<Cell> {
        if !Self::touches(&cell, cuboid) {
            return vec![cell];
        }
        let mut slabs = Vec::new();
        let mut rest = cell;
        for (axis, keep) in &cuboid.parts {
            let Some(have) = rest.get(*axis).cloned() else { continue };
            let out = have.minus(keep);
            if !out.is_empty() {
                let mut slab = rest.clone();
                if let Some(set) = slab.get_mut(*axis) {
                    *set = out;
                }
                slabs.push(slab);
            }
            if let Some(set) = rest.get_mut(*axis) {
                *set = have.and(keep);
            }
        }
        slabs
    }

    /// The intersection of a cell and a cuboid; `None` when it is empty.
    pub fn intersect(cell: &Cell, cuboid: &Cuboid) -> Option<Cell> {
        let mut inside = cell.clone();
        for (axis, keep) in &cuboid.parts {
            let set = inside.get_mut(*axis)?;
            *set = set.and(keep);
            if set.is_empty() {
                return None;
            }
        }
        Some(inside)
    }
}

fn restrict(parts: &mut Option<Vec<(usize, SlotSet)>>, index: usize, axis: &Axis, kept: SlotSet) {
    let Some(list) = parts else { return };
    if kept.is_empty() {
        *parts = None;
    } else if kept.count() < axis.slots.len() {
        list.push((index, kept));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::arbitrary;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn a_footprint_agrees_with_the_evaluator_in_every_slot(bundle in arbitrary::bundle(0..9)) {
            let space = Space::new(&bundle.rules, Domain::Open).unwrap();
            for rule in &bundle.rules {
                let Footprint { matches, decides } = space.footprint(rule);
                for (index, axis) in space.axes.iter().enumerate() {
                    let tests: Vec<&Test> =
                        rule.conditions.iter().filter(|c| c.field == axis.field).map(|c| &c.test).collect();
                    for (number, slot) in axis.slots.iter().enumerate() {
                        let results: Vec<ConditionResult> =
                            tests.iter().map(|test| condition::apply(test, slot.sample.as_ref())).collect();
                        let keeps = |cuboid: &Option<Cuboid>| cuboid.as_ref().map(|cuboid| {
                            cuboid.parts.iter().find(|(at, _)| *at == index).is_none_or(|(_, set)| set.has(number))
                        });
                        if let Some(keeps) = keeps(&matches) {
                            prop_assert_eq!(keeps, results.iter().all(|r| *r == ConditionResult::True));
                        }
                        if let Some(keeps) = keeps(&decides) {
                            prop_assert_eq!(keeps, results.iter().all(|r| *r != ConditionResult::False));
                        }
                    }
                }
            }
        }
    }
}
