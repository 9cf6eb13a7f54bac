//! The rules of a bundle as cuboids of one space, and the slices they fall into, both updated from edit to edit.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Meter,
    slices::{Pair, enforced, pairs},
    space::{Axis, Cell, Cuboid, Domain, Footprint, SlotSet, Space},
};
use crate::{
    bundle::{
        Bundle, Condition, Rule, Schema,
        schema::{AgentSchema, Field},
    },
    engine::{
        Input,
        condition::{self, ConditionResult},
        decide::addresses,
        order,
    },
};

/// Identifies one version of a rule: an edited rule gets another key, and a key is never reused.
pub type Key = usize;

/// One rule.
#[derive(Debug)]
pub struct Entry {
    /// The rule itself.
    pub rule: Rule,
    /// The inputs that the rule matches and decides.
    pub footprint: Footprint,
    /// The rule's place in the order of evaluation.
    pub rank: usize,
    /// The slices that the rule addresses, those with the fewest rules first, because a witness is found there soonest.
    /// Of several slices that are alike only one is listed.
    pub slices: Vec<usize>,
}

impl Entry {
    /// Whether both rules might match a common input, leaving the schema and other rules aside.
    pub fn may_overlap(&self, other: &Self) -> bool {
        scopes_overlap(&self.rule, &other.rule)
            && both(self.footprint.matches.as_ref(), other.footprint.matches.as_ref())
    }

    /// Whether this rule might decide an input that `other` matches, leaving the schema and other rules aside.
    pub fn may_preempt(&self, other: &Self) -> bool {
        scopes_overlap(&self.rule, &other.rule)
            && both(self.footprint.decides.as_ref(), other.footprint.matches.as_ref())
    }
}

fn both(one: Option<&Cuboid>, two: Option<&Cuboid>) -> bool {
    one.zip(two).is_some_and(|(one, two)| one.intersects(two))
}

/// One (agent, action) class.
#[derive(Debug)]
pub struct Slice {
    /// The agent and action that represent the class; the rules of the pair are ranks.
    pub pair: Pair,
    /// The inputs that the schema admits; `None` when the schema admits no input.
    pub full: Option<Cell>,
}

/// How an update changed the rules.
#[derive(Debug, Default)]
pub struct Edit {
    /// Rules that no longer exist, by their former keys.
    pub removed: BTreeMap<Key, Rule>,
    /// Keys of new rules.
    pub added: Vec<Key>,
    /// Whether the slices are unchanged and their rules have the same ranks.
    same_slices: bool,
}

/// A bundle laid out in one space.
#[derive(Debug, Default)]
pub struct BundleGeometry {
    /// The rules, by key.
    entries: Vec<Option<Entry>>,
    /// Keys in the order of evaluation.
    pub order: Vec<Key>,
    /// The fields as axes, cut by every rule and every declaration.
    pub space: Space,
    /// The slices.
    pub slices: Vec<Slice>,
    schema: Option<Schema>,
}

impl BundleGeometry {
    /// The rule with this key.
    pub fn entry(&self, key: Key) -> Option<&Entry> {
        self.entries.get(key)?.as_ref()
    }

    /// The rule at this place in the order of evaluation.
    pub fn ranked(&self, rank: usize) -> Option<&Entry> {
        self.entry(*self.order.get(rank)?)
    }

    /// The cuboids in which rules of a slice decide, with the ranks of the rules.
    pub fn deciding(&self, slice: &Slice) -> impl Iterator<Item = (usize, &Cuboid)> + Clone {
        let members = slice.pair.rules.iter();
        members.filter_map(|rank| Some((*rank, self.ranked(*rank)?.footprint.decides.as_ref()?)))
    }

    /// Whether this geometry can be updated to `bundle` rather than rebuilt.
    pub fn continues(&self, bundle: &Bundle) -> bool {
        // Keys are never reused, so the list grows until the geometry is rebuilt from scratch.
        self.schema == bundle.schema && self.entries.len() <= 4 * self.order.len() + 4_096
    }

    /// Lays out the enabled rules of `bundle`, whose schema must be the schema of the last update, if there was one.
    /// Returns `None` when the budget does not suffice; nothing is laid out then.
    pub fn update(&mut self, bundle: &Bundle, meter: &mut Meter) -> Option<Edit> {
        if self.order.is_empty() {
            self.schema.clone_from(&bundle.schema);
        }
        let mut rules: Vec<&Rule> = bundle.rules.iter().filter(|rule| rule.enabled).collect();
        rules.sort_by(|a, b| order::compare(a, b));
        let declared = declared(bundle);
        let domain = if declared.is_empty() { Domain::Open } else { Domain::CutBy(&declared) };
        if !meter.spend(Space::cost(rules.iter().copied(), domain)) {
            return None;
        }
        let mut edit = self.assign_keys(&rules);
        if !edit.removed.is_empty() || !edit.added.is_empty() || self.slices.is_empty() {
            let cut = self.cut_axes(&edit, bundle);
            if !edit.same_slices {
                self.slice(&rules, bundle, meter)?;
            } else if cut {
                let pairs: Vec<Pair> = std::mem::take(&mut self.slices).into_iter().map(|slice| slice.pair).collect();
                let full = self.admitted(&pairs, bundle);
                let slices = pairs.into_iter().zip(full).map(|(pair, (full, _))| Slice { pair, full });
                self.slices = slices.collect();
            }
        }
        edit.added.sort_by_key(|key| self.entry(*key).map(|entry| entry.rank));
        Some(edit)
    }

    /// Assigns keys to the rules that are new or changed.
    fn assign_keys(&mut self, rules: &[&Rule]) -> Edit {
        let before = std::mem::take(&mut self.order);
        let mut known: HashMap<&str, Key> = HashMap::new();
        // Most rules have kept their place or moved by one; only the other rules are looked up by id.
        let mut edit = Edit::default();
        let mut order = Vec::with_capacity(rules.len());
        let same = |key: &Key, rule: &Rule| {
            self.entries.get(*key).and_then(Option::as_ref).is_some_and(|entry| alike(&entry.rule, rule))
        };
        let mut next = 0;
        let mut fresh: Vec<(usize, &Rule)> = Vec::new();
        for (rank, rule) in rules.iter().enumerate() {
            let near =
                (next..(next + 2).min(before.len())).find(|at| before.get(*at).is_some_and(|key| same(key, rule)));
            let found = near.and_then(|at| {
                next = at + 1;
                before.get(at).copied()
            });
            let in_place = before.get(next).filter(|_| found.is_none()).and_then(|key| self.entry(*key));
            if in_place.is_some_and(|entry| entry.rule.id == rule.id) {
                next += 1;
                fresh.push((rank, rule));
                order.push(self.entries.len() + fresh.len() - 1);
                continue;
            }
            let found = found.or_else(|| {
                if known.is_empty() {
                    known = before
                        .iter()
                        .filter_map(|key| Some((self.entries.get(*key)?.as_ref()?.rule.id.as_str(), *key)))
                        .collect();
                }
                known.get(rule.id.as_str()).copied().filter(|key| same(key, rule))
            });
            match found {
                Some(key) => order.push(key),
                None => {
                    fresh.push((rank, rule));
                    order.push(self.entries.len() + fresh.len() - 1);
                }
            }
        }
        // When rules are only edited in place and keep their agents and actions, the slices stay as they are.
        edit.same_slices = !before.is_empty() && before.len() == order.len();
        let same_place = |(old, new): (&Key, &Key)| {
            let rule = |rank: usize| rules.get(rank).map(|rule| (&rule.agent, &rule.action));
            let stood = self.entry(*old);
            old == new || stood.is_some_and(|old| rule(old.rank) == Some((&old.rule.agent, &old.rule.action)))
        };
        let fresh_from = self.entries.len();
        edit.same_slices &= before.iter().zip(&order).all(|(old, new)| old == new || *new >= fresh_from);
        edit.same_slices &= before.iter().zip(&order).all(same_place);
        let mut kept = order.clone();
        kept.sort_unstable();
        let mut left: HashMap<usize, Vec<usize>> = HashMap::new();
        for key in before.into_iter().filter(|key| kept.binary_search(key).is_err()) {
            if let Some(entry) = self.entries.get_mut(key).and_then(Option::take) {
                left.insert(entry.rank, entry.slices);
                edit.removed.insert(key, entry.rule);
            }
        }
        for (rank, rule) in fresh {
            edit.added.push(self.entries.len());
            let footprint = Footprint { matches: None, decides: None };
            let slices = left.remove(&rank).filter(|_| edit.same_slices).unwrap_or_default();
            self.entries.push(Some(Entry { rule: rule.clone(), footprint, rank, slices }));
        }
        self.order = order;
        for (rank, key) in self.order.iter().enumerate() {
            if let Some(Some(entry)) = self.entries.get_mut(*key) {
                entry.rank = rank;
            }
        }
        edit
    }

    /// Recuts the axes that an edit touches and updates the footprints of the rules on them. Returns whether an axis
    /// changed.
    fn cut_axes(&mut self, edit: &Edit, bundle: &Bundle) -> bool {
        let declared = declared(bundle);
        let live = || self.order.iter().filter_map(|key| self.entry(*key));
        let added = edit.added.iter().filter_map(|key| Some(&self.entry(*key)?.rule));
        let touched: BTreeSet<&str> = edit
            .removed
            .values()
            .chain(added)
            .flat_map(|rule| &rule.conditions)
            .map(|condition| condition.field.as_str())
            .collect();
        let mut on_axis: BTreeMap<&str, Vec<&Condition>> = BTreeMap::new();
        for condition in live().flat_map(|entry| &entry.rule.conditions) {
            if touched.contains(condition.field.as_str()) {
                on_axis.entry(&condition.field).or_default().push(condition);
            }
        }
        // A space without axes may not have been built yet.
        let same_fields = !self.space.axes.is_empty()
            && touched.iter().all(|field| self.space.axis(field).is_some() && on_axis.contains_key(field));
        let mut axes: Vec<(usize, Axis)> = Vec::new();
        let mut whole = None;
        if same_fields {
            for (field, conditions) in &on_axis {
                let Some(at) = self.space.axis(field) else { continue };
                let axis = Axis::cut_by(field, conditions, &declared);
                if self.space.axes.get(at).is_none_or(|old| old.slots != axis.slots) {
                    axes.push((at, axis));
                }
            }
        } else {
            let domain = if declared.is_empty() { Domain::Open } else { Domain::CutBy(&declared) };
            // Without a domain to stay inside, there is always an input.
            whole = Space::new(live().map(|entry| &entry.rule), domain);
        }
        let added: BTreeSet<Key> = edit.added.iter().copied().collect();
        let has_new_axis = |entry: &Entry| {
            let fields = || axes.iter().map(|(_, axis)| axis.field.as_str());
            entry.rule.conditions.iter().any(|condition| fields().any(|field| field == condition.field))
        };
        let is_outdated = |key: &Key| !same_fields || added.contains(key) || self.entry(*key).is_some_and(has_new_axis);
        let outdated: Vec<Key> = self.order.iter().copied().filter(is_outdated).collect();
        if !same_fields {
            self.space = whole.unwrap_or_default();
        }
        let cut: Vec<usize> = axes.iter().map(|(at, _)| *at).collect();
        if !axes.is_empty() {
            self.space.set_axes(axes);
        }
        for key in outdated {
            if let Some(Some(entry)) = self.entries.get_mut(key) {
                if same_fields && !added.contains(&key) {
                    self.space.update_footprint(&entry.rule, &cut, &mut entry.footprint);
                } else {
                    entry.footprint = self.space.footprint(&entry.rule);
                }
            }
        }
        !same_fields || !cut.is_empty()
    }

    fn slice(&mut self, rules: &[&Rule], bundle: &Bundle, meter: &mut Meter) -> Option<()> {
        let schemas: Vec<&Schema> = bundle.schema.iter().collect();
        let (pairs, _) = pairs(rules, &schemas, |_| true, meter)?;
        let full = self.admitted(&pairs, bundle);
        let mut seen: BTreeSet<(usize, &[usize])> = BTreeSet::new();
        let mut alone: Vec<usize> = Vec::new();
        for (index, (pair, (_, domain))) in pairs.iter().zip(&full).enumerate() {
            if !pair.rules.is_empty() && seen.insert((*domain, &pair.rules)) {
                alone.push(index);
            }
        }
        alone.sort_by_key(|index| pairs.get(*index).map_or(0, |pair| pair.rules.len()));
        let mut addressed: Vec<Vec<usize>> = vec![Vec::new(); rules.len()];
        for index in alone {
            for rank in pairs.get(index).into_iter().flat_map(|pair| &pair.rules) {
                if let Some(list) = addressed.get_mut(*rank) {
                    list.push(index);
                }
            }
        }
        for (key, slices) in self.order.iter().zip(addressed) {
            if let Some(Some(entry)) = self.entries.get_mut(*key) {
                entry.slices = slices;
            }
        }
        self.slices = pairs.into_iter().zip(full).map(|(pair, (full, _))| Slice { pair, full }).collect();
        Some(())
    }

    /// For each pair, the inputs that the schema admits, with a number that is equal for equal domains.
    fn admitted(&self, pairs: &[Pair], bundle: &Bundle) -> Vec<(Option<Cell>, usize)> {
        let mut domains = Domains { space: &self.space, admitted: HashMap::new() };
        let mut cells: Vec<(Option<Cell>, usize)> = Vec::with_capacity(pairs.len());
        let mut last: Option<&Arc<str>> = None;
        let mut agents = 0;
        for pair in pairs {
            let same = cells.last().filter(|_| last.is_some_and(|agent| *agent == pair.agent)).cloned();
            cells.push(same.unwrap_or_else(|| match enforced(bundle, &pair.agent) {
                Some(declared) => {
                    agents += 1;
                    (domains.inside(declared), agents)
                }
                None => (Some(self.space.full()), 0),
            }));
            last = Some(&pair.agent);
        }
        cells
    }
}

/// The values that schemas admit on an axis, cached, because many agents declare a field alike.
struct Domains<'a> {
    space: &'a Space,
    admitted: HashMap<usize, Vec<(&'a Field, SlotSet)>>,
}

impl<'a> Domains<'a> {
    fn inside(&mut self, declared: &'a AgentSchema) -> Option<Cell> {
        let mut cell = self.space.full();
        for (name, field) in &declared.fields {
            let Some(axis) = self.space.axis(name) else { continue };
            let known = self.admitted.entry(axis).or_default();
            let set = match known.iter().find(|(other, _)| *other == field) {
                Some((_, set)) => set.clone(),
                None => {
                    let set = self.space.admitted(axis, field);
                    known.push((field, set.clone()));
                    set
                }
            };
            if set.is_empty() {
                return None;
            }
            if let Some(slot) = cell.get_mut(axis) {
                *slot = set;
            }
        }
        Some(cell)
    }
}

/// Whether the analysis cannot distinguish two rules.
fn alike(a: &Rule, b: &Rule) -> bool {
    a.decides_like(b) && a.is_guardrail() == b.is_guardrail()
}

/// Whether a rule decides an input that reaches it, by matching or by being in error.
pub fn decides(rule: &Rule, input: &Input) -> bool {
    addresses(rule, input.into())
        && rule.conditions.iter().all(|asked| {
            let value = condition::lookup(&input.context, &asked.field);
            condition::apply(&asked.test, value) != ConditionResult::False
        })
}

/// The declarations of all agents, when they are enforced.
fn declared(bundle: &Bundle) -> Vec<&AgentSchema> {
    let enforced = bundle.schema.as_ref().filter(|schema| schema.enforce);
    enforced.iter().flat_map(|schema| schema.agents.values()).collect()
}

/// Whether both rules address some agent and action.
pub fn scopes_overlap(one: &Rule, two: &Rule) -> bool {
    one.action.overlaps(&two.action) && one.agent.overlaps(&two.agent)
}
