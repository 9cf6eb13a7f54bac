//! A valid rule: which agents and actions it addresses, when it applies, and what it decides.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{Display, EnumString, IntoStaticStr};

use super::{ApprovalTerms, Condition, Effect, Format, NamePattern, approval_terms};
use crate::limits;

/// The agents that a rule addresses.
pub type AgentPattern = NamePattern;
/// The actions that a rule addresses.
pub type ActionPattern = NamePattern;

/// The risk of the budgeted action.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Risk {
    /// Little can go wrong.
    Low,
    /// Something can go wrong.
    Medium,
    /// Much can go wrong.
    High,
}

/// The budget of one matched action.
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
    /// The agents that the rule addresses.
    pub agent: AgentPattern,
    /// The actions that the rule addresses.
    pub action: ActionPattern,
    /// The conditions. All of them must hold; a rule without conditions always matches.
    pub conditions: Vec<Condition>,
    /// The effect that the rule decides.
    pub effect: Effect,
    /// The reason for the rule, for people.
    pub reason: String,
    /// 0–1000; rules of higher priority come first.
    pub priority: u16,
    /// The budget of a matched action.
    pub budget: Option<Budget>,
    /// The terms on which the rule asks people. They have no part in decisions.
    pub approval: ApprovalTerms,
    /// A disabled rule does not exist for evaluation.
    pub enabled: bool,
    /// Free labels; `guardrail` marks a protected rule.
    pub tags: BTreeSet<String>,
    /// The position in the source's `rules`, for JSON Pointers.
    pub position: usize,
}

/// The tag that marks a protected rule.
pub const GUARDRAIL: &str = "guardrail";

impl Rule {
    /// Whether both rules decide alike and have the same place in the evaluation order. The terms of approvals decide
    /// nothing.
    pub fn decides_like(&self, other: &Self) -> bool {
        self.id == other.id
            && self.agent == other.agent
            && self.action == other.action
            && self.effect == other.effect
            && self.priority == other.priority
            && self.conditions.len() == other.conditions.len()
            && self.conditions.iter().zip(&other.conditions).all(|(a, b)| a.field == b.field && a.test == b.test)
    }

    /// Whether the rule is marked as protected.
    pub fn is_guardrail(&self) -> bool {
        self.tags.contains(GUARDRAIL)
    }
}

/// Whether `text` has the syntax of a rule's id: `^[a-z0-9][a-z0-9_-]{2,63}$`.
pub fn is_id(text: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=64).contains(&text.len())
        && text.as_bytes().first().is_some_and(alphanumeric)
        && text.bytes().all(|byte| alphanumeric(&byte) || byte == b'_' || byte == b'-')
}

/// The members of a rule in format 1.0, as documented.
pub const MEMBERS: [&str; 11] =
    ["id", "agent", "action", "conditions", "effect", "reason", "priority", "budget", "enabled", "tags", "metadata"];

/// The members of a rule in format 1.1; the last two are [not read yet](super::format::UNREAD_IN_RULES).
const MEMBERS_1_1: [&str; 17] = [
    "id",
    "agent",
    "action",
    "conditions",
    "effect",
    "reason",
    "priority",
    "budget",
    "enabled",
    "tags",
    "metadata",
    "approvers",
    "quorum",
    "expires_in",
    "unbound",
    "not_before",
    "expires_at",
];

/// The members that a rule of a bundle in `format` has.
pub const fn members(format: Format) -> &'static [&'static str] {
    match format {
        Format::V1_0 => &MEMBERS,
        Format::V1_1 => &MEMBERS_1_1,
    }
}

/// A rule of a bundle in `format` as written, with its defaults spelled out, for the digest and the diff. A member that is
/// null counts as absent. The terms of approvals have defaults that are not the rule's: in format 1.1 they are left out
/// where they say nothing, and in format 1.0 they are unknown members.
pub fn with_defaults(rule: &Map<String, Value>, format: Format) -> Map<String, Value> {
    let mut explicit = rule.clone();
    explicit.retain(|_, value| !value.is_null());
    if format >= Format::V1_1 {
        for member in approval_terms::MEMBERS {
            if explicit.get(member).is_some_and(approval_terms::is_default) {
                explicit.remove(member);
            }
        }
    }
    let mut set = |key: &str, default: Value| {
        explicit.entry(key).or_insert(default);
    };
    set("conditions", json!({}));
    set("priority", json!(limits::DEFAULT_PRIORITY));
    set("enabled", json!(true));
    set("tags", json!([]));
    set("metadata", json!({}));
    explicit
}
