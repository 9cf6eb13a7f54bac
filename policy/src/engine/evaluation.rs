//! The answer of an evaluation.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::bundle::{Budget, Effect};

/// How an answer came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// A rule matched.
    Matched,
    /// No rule matched; the default effect answers.
    NoMatch,
    /// The deciding rule, or the schema, met a value of the wrong type, and `on_error` answers; or the agent or the
    /// action is no name, and the answer is deny.
    Error,
}

impl Status {
    /// The name used in JSON, SQL and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The JSON type of a value that was found where another type was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// Absent or null.
    Missing,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// The kind of an evaluation error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// A rule compares a value of the wrong type.
    WrongType,
    /// The input is outside the bundle's enforced schema.
    SchemaViolation,
    /// The agent or the action is no name, so that nothing decides; the answer is deny, whatever `on_error` says.
    InvalidName,
}

/// Why an evaluation ended in an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationError {
    /// The kind of error.
    pub code: ErrorCode,
    /// The rule that could not be decided; `None` for a schema violation and an invalid name.
    pub rule: Option<String>,
    /// The field, as a dotted path; `agent` or `action` for an invalid name.
    pub field: String,
    /// The wanted type or values, in words: `number`, `one of phishing, malware`, `0 to 100`.
    pub wanted: String,
    /// The type that was found.
    pub found: ValueType,
}

/// A bundle's answer to one input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The effect of the answer.
    pub effect: Effect,
    /// How the answer came about.
    pub status: Status,
    /// The rule that matched or was in error; `None` when no rule matched, for schema violations and invalid names.
    pub matched_rule: Option<String>,
    /// The reason, for a person: the rule's reason, or a sentence about the default or the error.
    pub reason: String,
    /// The matched rule's budget.
    pub budget: Option<Budget>,
    /// The errors; empty unless `status` is `error`.
    pub errors: Vec<EvaluationError>,
}
