//! One line of policy, as understood.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Condition, Effect};

/// Which agents a rule speaks about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AgentPattern {
    /// `*`
    Any,
    /// `inbox.*`: every agent whose name starts with this prefix, which ends in a dot.
    Prefix(String),
    /// Exactly this agent.
    Exact(String),
}

/// Which actions a rule speaks about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ActionPattern {
    /// `*`
    Any,
    /// Exactly this action.
    Exact(String),
}

/// How dangerous the budgeted action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Little can go wrong.
    Low,
    /// Something can go wrong.
    Medium,
    /// Much can go wrong.
    High,
}

/// What one matched action may spend.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Budget {
    /// USD, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Compute units, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute: Option<f64>,
    /// The stated risk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
}

/// A valid rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Unique in its bundle: `^[a-z0-9][a-z0-9_-]{2,63}$`.
    pub id: String,
    /// Which agents it speaks about.
    pub agent: AgentPattern,
    /// Which actions it speaks about.
    pub action: ActionPattern,
    /// All must hold; none means always.
    pub conditions: Vec<Condition>,
    /// What it decides.
    pub effect: Effect,
    /// Why, for people.
    pub reason: String,
    /// 0–1000; higher is looked at first.
    pub priority: u16,
    /// What a matched action may spend.
    pub budget: Option<Budget>,
    /// A disabled rule does not exist for evaluation.
    pub enabled: bool,
    /// Free labels; `guardrail` marks a protected rule.
    pub tags: BTreeSet<String>,
    /// Where the rule stands in the source's `rules`, for JSON Pointers.
    pub position: usize,
}

/// The tag that marks a protected rule.
pub const GUARDRAIL: &str = "guardrail";
