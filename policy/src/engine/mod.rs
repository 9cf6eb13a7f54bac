//! Evaluation: one input, one bundle, one answer. There is no second implementation outside tests.
//!
//! ```text
//! input, fact, evaluation, arm   a question, one of its values, the answer, the bundle that served it
//! condition, schema              one condition, and the declared domain, evaluated on one input
//! names                          inputs whose agent or action is no name
//! order                          the order in which rules are considered
//! compiled                       an index of the rules
//! rule_table                     the rules, stored compactly
//! scan, request                  contexts and requests read straight from JSON bytes
//! trace, explanation             how an answer came about, and values in sentences
//! decide                         the evaluator
//! split                          which subjects a canary serves
//! ```

#[cfg(test)]
pub(crate) mod arbitrary;
#[cfg(test)]
mod arbitrary_json;
pub mod arm;
pub(crate) mod compiled;
pub mod condition;
pub mod decide;
pub mod evaluation;
#[cfg(test)]
mod examples;
pub mod explanation;
pub mod fact;
pub mod input;
pub mod names;
#[cfg(test)]
pub(crate) mod oracle;
pub mod order;
pub mod request;
mod rule_table;
mod scan;
pub mod schema;
pub mod split;
pub mod trace;

pub use arm::Arm;
pub use decide::{Prepared, Verdict, decide};
pub use evaluation::{Evaluation, EvaluationError, Status, ValueType};
pub use fact::Fact;
pub use input::{Input, OverLimit, Question};
pub use request::Request;
pub use rule_table::RuleRef;

/// The version of the evaluation's meaning. The version changes when, and only when, some answer may change. A packet
/// states the version, so that a replay checksum can be matched with the engine that computed it.
pub const VERSION: &str = "countersign-engine-2";
