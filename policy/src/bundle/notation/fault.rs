//! Faults of one member of `conditions`, and their repairs.

use serde_json::Value;

use crate::bundle::Code;

/// A fault of one member of `conditions`.
#[derive(Debug, Clone, PartialEq)]
pub struct NotationFault {
    /// [`Code::BadOperator`] or [`Code::Schema`].
    pub code: Code,
    /// The fault, described for a person.
    pub message: String,
    /// The suggested action.
    pub suggestion: Option<String>,
    /// The members that replace the faulty member, when there is exactly one right answer; never empty.
    pub repair: Option<Vec<(String, Value)>>,
}

impl NotationFault {
    pub(super) fn new(code: Code, message: impl Into<String>, suggestion: impl Into<String>) -> Self {
        Self { code, message: message.into(), suggestion: Some(suggestion.into()), repair: None }
    }

    /// A fault with a repair; the suggestion describes the repair.
    pub(super) fn repaired(code: Code, message: impl Into<String>, repair: Vec<(String, Value)>) -> Self {
        let written: Vec<_> =
            repair.iter().map(|(key, value)| format!("`{}: {value}`", Value::from(key.as_str()))).collect();
        let suggestion = format!("Write {}.", written.join(" and "));
        Self { code, message: message.into(), suggestion: Some(suggestion), repair: Some(repair) }
    }
}
