//! Two bundles over the same cases.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Summary;
use crate::bundle::Effect;

/// One case the two bundles answer differently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The case.
    pub case_id: String,
    /// Effect under `a`.
    pub before: Effect,
    /// Effect under `b`.
    pub after: Effect,
    /// Deciding rule under `a`.
    pub before_rule: Option<String>,
    /// Deciding rule under `b`.
    pub after_rule: Option<String>,
    /// The region of the semantic diff that explains it, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<usize>,
    /// The agent.
    pub agent: String,
    /// The action.
    pub action: String,
    /// The facts.
    pub context: Map<String, Value>,
}

/// `b − a`, member by member.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Deltas {
    /// Change of the allow rate.
    pub allow_rate: f64,
    /// Change of the deny rate.
    pub deny_rate: f64,
    /// Change of the approval rate.
    pub approval_rate: f64,
    /// Change of the no-match rate.
    pub no_match_rate: f64,
    /// Change of the error rate.
    pub error_rate: f64,
    /// USD.
    pub estimated_cost: f64,
    /// Units.
    pub estimated_compute: f64,
}

/// The result of a comparison, as the API answers it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Comparison {
    /// How `a` answers.
    pub summary_a: Summary,
    /// How `b` answers.
    pub summary_b: Summary,
    /// `b − a`.
    pub deltas: Deltas,
    /// The cases that differ, in the order of the cases.
    pub changes: Vec<Change>,
    /// How many differ.
    pub total_changes: usize,
}

/// How `b` differs from `a` over `cases`.
pub fn compare(
    _a: &crate::bundle::Bundle,
    _b: &crate::bundle::Bundle,
    _cases: &[super::Case],
    _limits: super::Limits,
) -> Comparison {
    Comparison::default()
}
