//! A diff and its regions, as other modules read them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    analysis::{
        outcome::Outcome,
        phrases::Phrase,
        slices::Classes,
        space::{Cell, Space},
    },
    bundle::{Effect, Rule, name},
    engine::{
        Input, Question,
        condition::{self, ConditionResult},
    },
};

/// One agent and action that a region covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The agent; a stand-in when `any_other_agent`.
    pub agent: String,
    /// The action; a stand-in when `any_other_action`.
    pub action: String,
    /// The scope covers every agent that no rule and no schema names, of those with the stand-in's prefix if it has one.
    pub any_other_agent: bool,
    /// The scope covers every action that no rule and no schema names, of those with the stand-in's prefix if it has one.
    pub any_other_action: bool,
}

impl Scope {
    /// The agents in words: `inbox.triage`, `any other inbox.*`, `any other agent`.
    pub fn agents(&self) -> String {
        words(&self.agent, self.any_other_agent, "agent")
    }

    /// The actions in words: `quarantine`, `any other mcp__github__*`, `any other action`.
    pub fn actions(&self) -> String {
        words(&self.action, self.any_other_action, "action")
    }
}

/// The words for a name or, when it is a stand-in, for the names that it stands for.
fn words(name: &str, any_other: bool, what: &str) -> String {
    match name::prefixes(name).last() {
        _ if !any_other => name.to_owned(),
        Some(prefix) => format!("any other {prefix}*"),
        None => format!("any other {what}"),
    }
}

/// Inputs whose outcome differs in the same way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiffRegion {
    /// The agents and actions of the region.
    pub scopes: Vec<Scope>,
    /// The other conditions of the region, field by field; empty means that the region has no other condition.
    pub conditions: Vec<Phrase>,
    /// Rules that decide some of these inputs first, before or after; those inputs do not belong to the region. Empty
    /// when the conditions describe the region exactly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<String>,
    /// The outcome before.
    pub before: Outcome,
    /// The outcome after.
    pub after: Outcome,
    /// The rule that decided before; `None` for the default and for schema violations.
    pub before_rule: Option<String>,
    /// The rule that decides after; `None` for the default and for schema violations.
    pub after_rule: Option<String>,
    /// An input of the region.
    pub witness: Input,
    /// The exact region, which is not part of the JSON.
    #[serde(skip)]
    pub(super) shape: Option<Shape>,
}

/// The exact inputs of a region. Fields are ordered so that cheap ones are compared first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    pub(super) cell: Cell,
    /// Rules that decide parts of the cell first.
    pub(super) unless: Vec<Arc<Rule>>,
    pub(super) space: Arc<Space>,
}

impl Shape {
    fn holds(&self, input: Question<'_>) -> bool {
        self.space.contains(&self.cell, input.context) && !self.unless.iter().any(|rule| decides(rule, input))
    }
}

/// Whether no condition of the rule is false.
fn decides(rule: &Rule, input: Question<'_>) -> bool {
    rule.conditions.iter().all(|condition| {
        let value = condition::lookup(input.context, &condition.field);
        condition::apply(&condition.test, value) != ConditionResult::False
    })
}

/// The result of proving whether anything becomes newly allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "regions")]
pub enum NewAllows {
    /// No input becomes newly allowed: proven for every input.
    None,
    /// The number of regions that become newly allowed.
    Some(usize),
    /// The work budget ran out.
    Undecided,
}

/// The semantic diff of two bundles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SemanticDiff {
    /// Disjoint regions; when `complete`, they contain exactly the inputs whose outcome differs.
    pub regions: Vec<DiffRegion>,
    /// Whether the whole space was searched within the budget.
    pub complete: bool,
    /// The result of proving whether anything becomes newly allowed.
    pub new_allows: NewAllows,
    #[serde(skip)]
    pub(super) classes: Classes,
}

impl DiffRegion {
    /// Whether `input` lies in the region, which belongs to `diff`. A region that was read from JSON contains nothing:
    /// its exact shape is not part of the JSON.
    pub fn holds(&self, diff: &SemanticDiff, input: Question<'_>) -> bool {
        let Some(pair) = diff.classes.representative(input.agent, input.action) else { return false };
        self.scopes.iter().any(|scope| (scope.agent.as_str(), scope.action.as_str()) == pair)
            && self.shape.as_ref().is_some_and(|shape| shape.holds(input))
    }

    /// The inputs that the conditions include although they do not belong to the region, in words: `except where
    /// block-all, vip or 3 more rules decide first`. Returns `None` when the conditions describe the region exactly.
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

    /// Whether the inputs become newly allowed.
    pub(super) fn is_newly_allowed(&self) -> bool {
        self.before.effect != Effect::Allow && self.after.effect == Effect::Allow
    }
}
