//! Why an answer came about: every rule that was considered, and what stopped it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::condition::ConditionResult;
use super::{
    Question,
    condition::{apply, lookup},
};
use crate::bundle::Condition;

/// One condition against one input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConditionTrace {
    /// The condition in words: `risk_score ≥ 85`.
    pub text: String,
    /// The field.
    pub field: String,
    /// The value the input has there; null when absent.
    pub saw: Value,
    /// The result.
    pub result: ConditionResult,
}

/// The result of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleResult {
    /// Agent or action differ.
    NotAddressed,
    /// A condition is false.
    Passed,
    /// It decided.
    Matched,
    /// It was in error and decided as `on_error`.
    Error,
}

/// One rule against one input, in evaluation order; the last one decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleTrace {
    /// The rule.
    pub rule: String,
    /// The result.
    pub result: RuleResult,
    /// Its conditions; empty when it was not addressed.
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

/// The conditions of a rule together: false when one is, else in error when one is, else true.
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
