//! Evaluation: one input, one bundle, one answer. There is no second implementation outside tests.
//!
//! ```text
//! input, fact, answer, arm   a question, one value of it, the answer, the bundle that served it
//! condition, schema          one condition, and the declared domain, against one input
//! order                      the order in which rules are considered
//! compiled                   an index of the rules
//! rule_table                 the rules in little memory
//! scan                       contexts read straight from JSON bytes
//! trace, explanation         why an answer came about, and values in sentences
//! decide                     the evaluator
//! split                      which subjects a canary serves
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

/// Version of the evaluation's meaning. It changes when, and only when, some answer may change; a packet names it, so
/// that a replay checksum can be compared with the engine that computed it.
pub const VERSION: &str = "countersign-engine-1";
