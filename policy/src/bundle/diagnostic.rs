//! Findings: what the linter reports, with kind, severity, place and repair.

use json_patch::Patch;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::IntoStaticStr;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Blocks submitting for review.
    Error,
    /// Should be looked at.
    Warning,
    /// Good to know.
    Info,
}

/// The kinds of findings. Each has one severity, except [`Code::UnknownMember`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Code {
    /// A rule has no id.
    MissingId,
    /// Two rules share an id.
    DuplicateId,
    /// A field of a rule or of the bundle breaks the language.
    Schema,
    /// A rule has no reason.
    MissingReason,
    /// An operator is written after the field or inside the value.
    BadOperator,
    /// The conditions of a rule can never all be true.
    Contradiction,
    /// A condition cannot compare with the declared type of its field.
    TypeClash,
    /// An invariant of the workspace is violated.
    Invariant,
    /// The bundle has no rules.
    NoRules,
    /// The reason is shorter than it should be.
    ShortReason,
    /// A `needs_approval` rule states no budget.
    ApprovalWithoutBudget,
    /// A rule's budget exceeds the limit.
    HighCost,
    /// A rule can never decide.
    Unreachable,
    /// Two rules of different effect overlap at equal priority.
    Conflict,
    /// Removing the rule changes nothing.
    Redundant,
    /// A compared value lies outside the declared domain.
    OutOfDomain,
    /// An agent, action or field is not declared.
    Undeclared,
    /// Two rules differ in almost nothing.
    NearDuplicate,
    /// A guardrail rule is shadowed by priority.
    GuardrailShadowed,
    /// A strict rule can err while errors are allowed.
    ErrorOpens,
    /// A negative condition is not true where its field is absent, so that a deny does not deny.
    AbsentPasses,
    /// A prefix ends in the middle of a host or path, or is easily evaded.
    PrefixBoundary,
    /// A text has characters that cannot be seen, or is another spelling of what it looks like.
    InvisibleText,
    /// Two names or values look alike, or a name is probably misspelt.
    Lookalike,
    /// A number is not the one its author wrote.
    InexactNumber,
    /// A text looks like a number, an amount, a range or a boolean.
    SuspiciousText,
    /// A member that the language does not have; an error when it is nearly one that it has.
    UnknownMember,
    /// A member that means something from format 1.1 on, in a bundle of format 1.0.
    #[serde(rename = "notation_1_1")]
    #[strum(serialize = "notation_1_1")]
    Notation1_1,
    /// A member that does nothing in its rule: terms of approvals where nobody is asked.
    UnusedMember,
    /// A rule is switched off.
    Disabled,
    /// Some inputs fall to the default effect.
    Gap,
    /// The analysis ran out of its work budget.
    Undecided,
}

impl Code {
    /// The name used in JSON and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The severity that findings of this kind have.
    pub const fn severity(self) -> Severity {
        match self {
            Self::MissingId
            | Self::DuplicateId
            | Self::Schema
            | Self::MissingReason
            | Self::BadOperator
            | Self::Contradiction
            | Self::TypeClash
            | Self::Invariant
            | Self::NoRules => Severity::Error,
            Self::ShortReason
            | Self::ApprovalWithoutBudget
            | Self::HighCost
            | Self::Unreachable
            | Self::Conflict
            | Self::Redundant
            | Self::OutOfDomain
            | Self::Undeclared
            | Self::NearDuplicate
            | Self::GuardrailShadowed
            | Self::ErrorOpens
            | Self::AbsentPasses
            | Self::PrefixBoundary
            | Self::InvisibleText
            | Self::Lookalike
            | Self::InexactNumber
            | Self::SuspiciousText
            | Self::UnknownMember
            | Self::Notation1_1
            | Self::UnusedMember => Severity::Warning,
            Self::Disabled | Self::Gap | Self::Undecided => Severity::Info,
        }
    }
}

/// One finding of the linter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The kind.
    pub code: Code,
    /// The severity, which follows from the code; an unknown member is an error when it is nearly a known one.
    pub severity: Severity,
    /// The rule that the finding is about, when that rule has an id.
    pub rule_id: Option<String>,
    /// JSON Pointer into the bundle document.
    pub path: String,
    /// The fault, described for a person.
    pub message: String,
    /// The suggested action.
    pub suggestion: Option<String>,
    /// A repair (RFC 6902, against the bundle document) when there is exactly one right answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Patch>,
    /// An example input, when the finding is about inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Value>,
}

impl Finding {
    /// A finding of kind `code` at `path`, a JSON Pointer into the bundle document.
    pub fn new(code: Code, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            rule_id: None,
            path: path.into(),
            message: message.into(),
            suggestion: None,
            fix: None,
            witness: None,
        }
    }

    /// Sets the rule that the finding is about.
    #[must_use]
    pub fn about(mut self, rule_id: Option<&str>) -> Self {
        self.rule_id = rule_id.map(str::to_owned);
        self
    }

    /// Sets the suggested action.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Sets the repair, when there is one.
    #[must_use]
    pub fn fix_if(mut self, fix: Option<Patch>) -> Self {
        self.fix = fix;
        self
    }

    /// The position in `rules` of the rule that the finding is about.
    pub fn position(&self) -> Option<usize> {
        self.path.strip_prefix("/rules/")?.split('/').next()?.parse().ok()
    }
}
