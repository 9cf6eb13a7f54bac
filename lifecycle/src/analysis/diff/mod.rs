//! The semantic diff: the disjoint regions of inputs that two bundles answer differently, and nothing else.
//!
//! An input on which both bundles are decided by the same unchanged rule is answered alike. So a difference lies where a
//! changed rule decides, in one bundle or the other; there, and only there, the space is cut until both answers are
//! constant. A changed default, `on_error` or schema counts as a change everywhere.

mod merge;
mod search;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use merge::merge;
use search::{Search, entries, outside};

use serde::{Deserialize, Serialize};

use super::{
    Meter,
    slices::{Classes, Pair, pairs},
    space::{Cell, Domain, Footprint, Region as Box, Space},
    words::{Phrase, phrases},
};
use crate::{
    bundle::{Bundle, Effect, Rule, Schema, schema::AgentSchema},
    engine::{Input, Question, order},
};

/// What an answer amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Outcome {
    /// The effect that holds.
    pub effect: Effect,
    /// Whether it holds because of an evaluation error.
    pub error: bool,
}

/// One agent and action a region speaks about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The agent; a stand-in when `any_other_agent`.
    pub agent: String,
    /// The action; a stand-in when `any_other_action`.
    pub action: String,
    /// It speaks about every agent of a kind that nothing names.
    pub any_other_agent: bool,
    /// It speaks about every action that nothing names.
    pub any_other_action: bool,
}

/// Inputs whose outcome differs, all in the same way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// The agents and actions it speaks about.
    pub scopes: Vec<Scope>,
    /// What else must hold, field by field; empty means always.
    pub conditions: Vec<Phrase>,
    /// Outcome before.
    pub before: Outcome,
    /// Outcome after.
    pub after: Outcome,
    /// The rule that decided before; none for the default and for schema violations.
    pub before_rule: Option<String>,
    /// The rule that decides after.
    pub after_rule: Option<String>,
    /// An input in it.
    pub witness: Input,
    /// The region itself, while it is fresh: it does not travel.
    #[serde(skip)]
    shape: Option<Shape>,
}

#[derive(Debug, Clone, PartialEq)]
struct Shape {
    space: Arc<Space>,
    cell: Cell,
}

/// What is certain about new allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "regions")]
pub enum NewAllows {
    /// Nothing is allowed that was not allowed before: proven for every input.
    None,
    /// This many regions become allowed.
    Some(usize),
    /// The work budget ran out.
    Undecided,
}

/// The semantic diff of two bundles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SemanticDiff {
    /// Disjoint regions; together exactly the inputs whose outcome differs, when `complete`.
    pub regions: Vec<Region>,
    /// Whether the whole space was searched within the budget.
    pub complete: bool,
    /// The certificate.
    pub new_allows: NewAllows,
    #[serde(skip)]
    classes: Classes,
}

impl Region {
    /// Whether `input` lies in it. Only a fresh region of `diff` knows; one that was read from JSON holds nothing.
    pub fn holds(&self, diff: &SemanticDiff, input: Question<'_>) -> bool {
        let Some(pair) = diff.classes.representative(input.agent, input.action) else { return false };
        self.scopes.iter().any(|scope| (scope.agent.as_str(), scope.action.as_str()) == pair)
            && self.shape.as_ref().is_some_and(|shape| shape.space.contains(&shape.cell, input.context))
    }
}

impl SemanticDiff {
    /// The number of the region that holds `input`; see [`Region::holds`].
    pub fn locate(&self, input: Question<'_>) -> Option<usize> {
        self.regions.iter().position(|region| region.holds(self, input))
    }

    /// An input that `rule`, an enabled one of either bundle, speaks about (it matches or errs) and that becomes allowed.
    pub fn newly_allowed_under(&self, rule: &Rule) -> Option<Input> {
        let anew = |region: &&Region| region.before.effect != Effect::Allow && region.after.effect == Effect::Allow;
        self.regions.iter().filter(anew).find_map(|region| {
            let Shape { space, cell } = region.shape.as_ref()?;
            let asked = |scope: &&Scope| rule.agent.matches(&scope.agent) && rule.action.matches(&scope.action);
            let scope = region.scopes.iter().find(asked)?;
            let met = Space::intersect(cell, &space.footprint(rule).decides?)?;
            Some(Input { agent: scope.agent.clone(), action: scope.action.clone(), context: space.context(&met) })
        })
    }
}

/// The disjoint regions of inputs that `after` answers otherwise than `before`.
pub fn semantic_diff(before: &Bundle, after: &Bundle, mut meter: Meter) -> SemanticDiff {
    let (old, new) = (ordered(before), ordered(after));
    let union: Vec<&Rule> = old.iter().chain(&new).copied().collect();
    let schemas: Vec<&Schema> = before.schema.iter().chain(&after.schema).collect();
    let mut regions: Vec<Found> = Vec::new();
    let mut complete = true;
    let mut known = Classes::default();
    match pairs(&union, &schemas, &mut meter) {
        Some((pairs, classes)) => {
            known = classes;
            // Pairs with the same rules and domain differ alike: they are searched once.
            let mut searched: BTreeMap<Key<'_>, usize> = BTreeMap::new();
            let mut results: Vec<(Vec<Scope>, Arc<Vec<Found>>)> = Vec::new();
            for pair in pairs {
                if !meter.spend(union.len() as u64 / 4 + 1) {
                    complete = false;
                    break;
                }
                let side = Side { pair: &pair, old: &old, new: &new };
                let key = side.key(before, after);
                let scope = scope(&pair);
                if let Some(index) = searched.get(&key) {
                    if let Some((scopes, _)) = results.get_mut(*index) {
                        scopes.push(scope);
                    }
                    continue;
                }
                let (found, whole) = side.search(before, after, &mut meter);
                complete &= whole;
                searched.insert(key, results.len());
                results.push((vec![scope], Arc::new(found)));
            }
            for (scopes, found) in results {
                regions.extend(found.iter().cloned().map(|found| Found { scopes: scopes.clone(), ..found }));
            }
        }
        None => complete = false,
    }
    let regions: Vec<Region> = regions.into_iter().map(Found::region).collect();
    let newly = regions.iter().filter(|r| r.after.effect == Effect::Allow && r.before.effect != Effect::Allow).count();
    let new_allows = match (newly, complete) {
        (0, true) => NewAllows::None,
        (0, false) => NewAllows::Undecided,
        (some, _) => NewAllows::Some(some),
    };
    SemanticDiff { regions, complete, new_allows, classes: known }
}

/// What makes two pairs differ alike: ranks of the rules of both sides, and the names of the enforced declarations.
type Key<'a> = (Vec<usize>, Vec<usize>, Option<&'a str>, Option<&'a str>);

struct Side<'p, 'a> {
    pair: &'p Pair,
    old: &'a [&'a Rule],
    new: &'a [&'a Rule],
}

#[derive(Clone)]
struct Found {
    scopes: Vec<Scope>,
    space: Arc<Space>,
    cell: Cell,
    before: (Outcome, Option<String>),
    after: (Outcome, Option<String>),
}

impl Found {
    fn region(self) -> Region {
        let scope = self.scopes.first();
        let witness = Input {
            agent: scope.map(|scope| scope.agent.clone()).unwrap_or_default(),
            action: scope.map(|scope| scope.action.clone()).unwrap_or_default(),
            context: self.space.context(&self.cell),
        };
        Region {
            conditions: phrases(&self.space, &self.cell),
            scopes: self.scopes,
            before: self.before.0,
            after: self.after.0,
            before_rule: self.before.1,
            after_rule: self.after.1,
            witness,
            shape: Some(Shape { space: self.space, cell: self.cell }),
        }
    }
}

impl<'a> Side<'_, 'a> {
    fn addressed(&self, rules: &[&'a Rule]) -> Vec<usize> {
        let pair = self.pair;
        (0..rules.len())
            .filter(|rank| {
                rules.get(*rank).is_some_and(|r| r.agent.matches(&pair.agent) && r.action.matches(&pair.action))
            })
            .collect()
    }

    fn key(&self, before: &'a Bundle, after: &'a Bundle) -> Key<'a> {
        let name = |bundle: &'a Bundle| enforced(bundle, &self.pair.agent).map(|(name, _)| name);
        (self.addressed(self.old), self.addressed(self.new), name(before), name(after))
    }

    fn search(&self, before: &Bundle, after: &Bundle, meter: &mut Meter) -> (Vec<Found>, bool) {
        let old: Vec<&Rule> = self.addressed(self.old).iter().filter_map(|rank| self.old.get(*rank).copied()).collect();
        let new: Vec<&Rule> = self.addressed(self.new).iter().filter_map(|rank| self.new.get(*rank).copied()).collect();
        let by_id: HashMap<&str, &Rule> = new.iter().map(|rule| (rule.id.as_str(), *rule)).collect();
        let unchanged = |rule: &&&Rule| by_id.get(rule.id.as_str()).is_some_and(|other| alike(rule, other));
        let shared: BTreeSet<&str> = old.iter().filter(unchanged).map(|rule| rule.id.as_str()).collect();
        let domains = [before, after].map(|bundle| enforced(bundle, &self.pair.agent).map(|(_, declared)| declared));
        let [old_domain, new_domain] = domains;
        // What both refuse is answered alike only when both answer errors alike.
        let same_domain = old_domain == new_domain && (old_domain.is_none() || before.on_error == after.on_error);
        let everywhere =
            before.default_effect != after.default_effect || before.on_error != after.on_error || !same_domain;
        if !everywhere && shared.len() == old.len() && shared.len() == new.len() {
            return (Vec::new(), true);
        }
        let both: Vec<&AgentSchema> = domains.into_iter().flatten().collect();
        let domain = match old_domain {
            None if same_domain => Domain::Open,
            Some(declared) if same_domain => Domain::Inside(declared),
            _ => Domain::CutBy(&both),
        };
        if !meter.spend(Space::cost(old.iter().chain(&new).copied())) {
            return (Vec::new(), false);
        }
        let Some(space) = Space::new(old.iter().chain(&new).copied(), domain) else { return (Vec::new(), true) };
        let space = Arc::new(space);

        let footprints = |rules: &[&Rule], declared: Option<&AgentSchema>| {
            let mut all = if same_domain { Vec::new() } else { violations(&space, declared) };
            all.extend(rules.iter().map(|rule| (space.footprint(rule), Some(rule.id.clone()), Some(rule.effect))));
            all
        };
        let old_prints = footprints(&old, old_domain);
        let new_prints = footprints(&new, new_domain);
        let old_list = entries(&old_prints, before, &shared);
        let new_list = entries(&new_prints, after, &shared);

        let mut search = Search { space, before, after, found: Vec::new() };
        let whole = if everywhere {
            search.cut(search.space.full(), &old_list, &new_list, meter)
        } else {
            let mut done: Vec<&Box> = Vec::new();
            let mut whole = true;
            for changed in old_list.iter().chain(&new_list).filter(|entry| !entry.shared) {
                let Some(region) = &changed.footprint.decides else { continue };
                let Some(cell) = Space::intersect(&search.space.full(), region) else { continue };
                // Points of earlier changed rules have been searched.
                let mut cells = vec![cell];
                for earlier in &done {
                    cells = cells.into_iter().flat_map(|cell| outside(cell, earlier)).collect();
                    if !meter.spend(cells.len() as u64 + 1) {
                        return (search.found, false);
                    }
                }
                for cell in cells {
                    whole &= search.cut(cell, &old_list, &new_list, meter);
                }
                done.push(region);
            }
            whole
        };
        (merge(search.found), whole)
    }
}

fn ordered(bundle: &Bundle) -> Vec<&Rule> {
    let mut rules: Vec<&Rule> = bundle.rules.iter().filter(|rule| rule.enabled).collect();
    rules.sort_by(|a, b| order::compare(a, b));
    rules
}

/// Whether two rules decide alike and stand alike in the order of evaluation.
fn alike(a: &Rule, b: &Rule) -> bool {
    a.id == b.id
        && a.agent == b.agent
        && a.action == b.action
        && a.effect == b.effect
        && a.priority == b.priority
        && a.conditions.len() == b.conditions.len()
        && a.conditions.iter().zip(&b.conditions).all(|(a, b)| a.field == b.field && a.test == b.test)
}

fn enforced<'a>(bundle: &'a Bundle, agent: &str) -> Option<(&'a str, &'a AgentSchema)> {
    let schema = bundle.schema.as_ref().filter(|schema| schema.enforce)?;
    schema.agents.get_key_value(agent).map(|(name, declared)| (name.as_str(), declared))
}

/// The inputs that a schema refuses, as boxes that decide before any rule and never match.
fn violations(space: &Space, declared: Option<&AgentSchema>) -> Vec<(Footprint, Option<String>, Option<Effect>)> {
    let Some(declared) = declared else { return Vec::new() };
    space
        .refused(declared)
        .into_iter()
        .map(|region| (Footprint { matches: None, decides: Some(region) }, None, None))
        .collect()
}

fn scope(pair: &Pair) -> Scope {
    Scope {
        agent: pair.agent.clone(),
        action: pair.action.clone(),
        any_other_agent: !pair.agent_named,
        any_other_action: !pair.action_named,
    }
}
