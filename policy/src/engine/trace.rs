//! How an answer came about: every rule that was considered, and the condition that stopped it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::condition::ConditionResult;
use super::{
    Question,
    condition::{apply, lookup},
};
use crate::bundle::Condition;

/// One condition, evaluated on one input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConditionTrace {
    /// The condition in words: `risk_score ≥ 85`.
    pub text: String,
    /// The field.
    pub field: String,
    /// The value of the field in the input; null when absent.
    pub saw: Value,
    /// The result.
    pub result: ConditionResult,
}

/// The result of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleResult {
    /// The agent or the action differs.
    NotAddressed,
    /// A condition is false.
    Passed,
    /// The rule matched and decided.
    Matched,
    /// The rule was in error and decided as `on_error`.
    Error,
}

/// One rule evaluated on one input. Traces are in evaluation order; the last rule decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleTrace {
    /// The rule.
    pub rule: String,
    /// The result.
    pub result: RuleResult,
    /// The rule's conditions; empty when the rule does not address the input.
    pub conditions: Vec<ConditionTrace>,
}

/// The trace of `condition` for `input`.
pub(super) fn condition(condition: &Condition, input: Question<'_>) -> ConditionTrace {
    let value = lookup(input.context, &condition.field);
    ConditionTrace {
        text: condition.to_string(),
        field: condition.field.clone(),
        saw: value.cloned().unwrap_or(Value::Null),
        result: apply(&condition.test, value),
    }
}

/// The combined result of a rule's conditions: false when one is false, otherwise an error when one is in error,
/// otherwise true.
pub(super) fn together(conditions: &[ConditionTrace]) -> ConditionResult {
    let has = |result: ConditionResult| conditions.iter().any(|condition| condition.result == result);
    if has(ConditionResult::False) {
        ConditionResult::False
    } else if has(ConditionResult::Error) {
        ConditionResult::Error
    } else {
        ConditionResult::True
    }
}
