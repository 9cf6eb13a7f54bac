//! The semantic diff: the disjoint regions of inputs that two bundles answer differently, and nothing else.
//!
//! Every input has one rule that decides it before and one that decides it after (or the default, or a refusal by the
//! schema). A region is what the same two decide: the box where both would, without what others decide first. When both
//! are rules that stay as they are, then what was first before is first after, so one of the two has changed; only such
//! pairs are asked about, each with the one question of [`super::cover`]. A changed default, `on_error` or schema counts as
//! a change where it can make a difference.
//!
//! A region is told as few boxes where that is possible, else as the box with the rules that decide parts of it first.

mod coverage_cache;
pub mod deciders;
mod difference;
mod merge;
mod regions;
mod rule_alignment;
mod search;

use std::{collections::BTreeMap, sync::Arc};

use coverage_cache::Known;
use difference::Difference;
use search::Sides;
use serde::{Deserialize, Serialize};

use super::{
    Meter,
    phrases::Phrase,
    slices::{Classes, Pair, pairs},
    space::{Cell, Space},
};
use crate::{
    bundle::{Bundle, Effect, Rule},
    engine::{
        Input, Question, Status, Verdict,
        condition::{self, ConditionResult},
    },
};

/// What an answer amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Outcome {
    /// The effect that holds.
    pub effect: Effect,
    /// Whether it holds because of an evaluation error.
    pub error: bool,
}

impl Outcome {
    /// What `verdict` amounts to.
    pub fn of(verdict: &Verdict<'_>) -> Self {
        Self { effect: verdict.effect, error: verdict.status == Status::Error }
    }
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
    /// Rules that decide parts of this first, before or after: those parts do not belong to it. Empty when the conditions
    /// say it all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<String>,
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

/// Compared from what is cheap to what is not.
#[derive(Debug, Clone, PartialEq)]
struct Shape {
    cell: Cell,
    /// What decides parts of the cell first.
    unless: Vec<Arc<Rule>>,
    space: Arc<Space>,
}

impl Shape {
    fn holds(&self, input: Question<'_>) -> bool {
        self.space.contains(&self.cell, input.context) && !self.unless.iter().any(|rule| asks(rule, input))
    }
}

/// Whether no condition of the rule is false.
fn asks(rule: &Rule, input: Question<'_>) -> bool {
    rule.conditions.iter().all(|asked| {
        let value = condition::lookup(input.context, &asked.field);
        condition::apply(&asked.test, value) != ConditionResult::False
    })
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

/// What was found about inputs that become allowed.
#[derive(Debug, Clone, PartialEq)]
pub enum Anew {
    /// Nothing becomes allowed.
    Nothing,
    /// This does.
    Input(Input),
    /// The work budget ran out.
    Undecided,
}

impl Region {
    /// Whether `input` lies in it. Only a fresh region of `diff` knows; one that was read from JSON holds nothing.
    pub fn holds(&self, diff: &SemanticDiff, input: Question<'_>) -> bool {
        let Some(pair) = diff.classes.representative(input.agent, input.action) else { return false };
        self.scopes.iter().any(|scope| (scope.agent.as_str(), scope.action.as_str()) == pair)
            && self.shape.as_ref().is_some_and(|shape| shape.holds(input))
    }

    /// What does not belong to it, in words: `except where block-all, vip or 3 more rules decide first`. None when the
    /// conditions say it all.
    pub fn exception(&self) -> Option<String> {
        const NAMED: usize = 3;
        let mut names: Vec<String> = self.unless.iter().take(NAMED).cloned().collect();
        match self.unless.len().saturating_sub(NAMED) {
            0 => {}
            1 => names.push("1 more rule".to_owned()),
            more => names.push(format!("{more} more rules")),
        }
        let last = names.pop()?;
        let (verb, names) = match names.as_slice() {
            [] => ("decides", last),
            some => ("decide", format!("{} or {last}", some.join(", "))),
        };
        Some(format!("except where {names} {verb} first"))
    }

    /// Whether its inputs become allowed that were not.
    fn is_newly_allowed(&self) -> bool {
        self.before.effect != Effect::Allow && self.after.effect == Effect::Allow
    }
}

/// For each of `rules`, enabled ones of `before`, an input that it speaks about (it matches or errs) and that `after` newly
/// allows; none where there is none. Undecided where the budget ran out.
pub fn newly_allowed_under(before: &Bundle, after: &Bundle, rules: &[&Rule], mut meter: Meter) -> Vec<Anew> {
    let undecided = || rules.iter().map(|_| Anew::Undecided).collect();
    let Some(sides) = Sides::new(before, after, &mut meter) else { return undecided() };
    let wanted = |agent: &str| sides.concern(agent) && rules.iter().any(|rule| rule.agent.matches(agent));
    let Some((pairs, _)) = pairs(&sides.rules, &sides.schemas(), wanted, &mut meter) else { return undecided() };
    let mut known = Known::default();
    let find = |rule: &&Rule| {
        let Some(print) = sides.print_of(rule) else { return Anew::Nothing };
        let mut complete = true;
        for pair in pairs.iter().filter(|pair| rule.action.matches(&pair.action) && rule.agent.matches(&pair.agent)) {
            let Some(region) = print.decides.as_ref().filter(|_| sides.key(pair).is_some()) else { continue };
            let (differing, whole) = sides.search(pair, Some(region), &mut known, &mut meter);
            complete &= whole;
            let anew = |differing: &&Difference| {
                differing.before.0.effect != Effect::Allow && differing.after.0.effect == Effect::Allow
            };
            if let Some(part) = differing.iter().find(anew).and_then(|differing| differing.parts.first()) {
                return Anew::Input(part.witness.clone());
            }
        }
        if complete { Anew::Nothing } else { Anew::Undecided }
    };
    rules.iter().map(find).collect()
}

/// The disjoint regions of inputs that `after` answers otherwise than `before`.
pub fn semantic_diff(before: &Bundle, after: &Bundle, mut meter: Meter) -> SemanticDiff {
    let mut complete = true;
    let mut known = Classes::default();
    let mut regions: Vec<Region> = Vec::new();
    if let Some(sides) = Sides::new(before, after, &mut meter)
        && let Some((pairs, classes)) = pairs(&sides.rules, &sides.schemas(), |agent| sides.concern(agent), &mut meter)
    {
        known = classes;
        // Pairs with the same rules and domain differ alike: they are searched once.
        let mut searched: BTreeMap<search::Key<'_>, usize> = BTreeMap::new();
        let mut results: Vec<(Vec<&Pair>, Vec<Difference>)> = Vec::new();
        let mut settled = Known::default();
        for pair in &pairs {
            let Some(key) = sides.key(pair) else { continue };
            if let Some(index) = searched.get(&key) {
                if let Some((alike, _)) = results.get_mut(*index) {
                    alike.push(pair);
                }
                continue;
            }
            let (found, whole) = sides.search(pair, None, &mut settled, &mut meter);
            complete &= whole;
            searched.insert(key, results.len());
            results.push((vec![pair], found));
            if meter.exhausted() {
                complete = false;
                break;
            }
        }
        regions = regions::tell(&sides, &results);
    } else {
        complete = false;
    }
    let newly = regions.iter().filter(|region| region.is_newly_allowed()).count();
    let new_allows = match (newly, complete) {
        (0, true) => NewAllows::None,
        (0, false) => NewAllows::Undecided,
        (some, _) => NewAllows::Some(some),
    };
    SemanticDiff { regions, complete, new_allows, classes: known }
}
