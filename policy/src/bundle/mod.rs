//! A policy bundle: rules, conditions, the document they are written in, its digest and version.
//!
//! ```text
//! name                              what agents and actions are called, and patterns of names
//! effect, condition, rule, schema   the parts of a rule, and the declared input domain
//! diagnostic                        findings
//! notation                          how conditions are written, and repairs of other notations
//! canonical, digest                 canonical JSON and the content address
//! format, source                    a bundle as written, and its format
//! approval_terms, approval          on which terms a rule asks people, and what an approval is for
//! parsed_rule, parsing              the meaning of a bundle as written
//! diff, version                     the text diff of two bundles, and version numbers
//! invariant                         statements that every bundle must satisfy
//! ```

pub mod approval;
pub mod approval_terms;
pub mod canonical;
pub mod condition;
pub mod diagnostic;
pub mod diff;
pub mod digest;
pub mod effect;
pub mod format;
pub mod invariant;
pub mod name;
pub mod notation;
pub mod parsed_rule;
pub mod parsing;
pub mod rule;
pub mod schema;
pub mod source;
pub mod version;

pub use approval::{ApprovalRule, approval_rules, bound_context, canonical_context, changed_members};
pub use approval_terms::ApprovalTerms;
pub use condition::{Condition, Operator, Scalar, Test};
pub use diagnostic::{Code, Finding, Severity};
pub use digest::Digest;
pub use effect::Effect;
pub use format::Format;
pub use invariant::Invariant;
pub use name::{NamePattern, is_name};
pub use parsed_rule::ParsedRule;
pub use parsing::ParsedBundle;
pub use rule::{ActionPattern, AgentPattern, Budget, Risk, Rule};
pub use schema::Schema;
pub use source::{ReadError, Source};

/// A parsed bundle: every rule is valid. Created by [`Source::parse_rules`].
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// The valid rules, enabled and disabled, in written order.
    pub rules: Vec<Rule>,
    /// The effect when no rule matches.
    pub default_effect: Effect,
    /// The effect when the deciding rule compares a value of a wrong type, or when the input violates the schema.
    pub on_error: Effect,
    /// The declared input domain, if any.
    pub schema: Option<Schema>,
}
