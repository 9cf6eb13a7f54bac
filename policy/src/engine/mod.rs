//! Evaluation: one input, one bundle, one answer. There is no second implementation outside tests.

#[cfg(test)]
pub(crate) mod arbitrary;
pub mod arm;
pub(crate) mod compiled;
pub mod condition;
pub mod decide;
#[cfg(test)]
mod examples;
pub mod fact;
pub mod input;
mod kept;
#[cfg(test)]
pub(crate) mod oracle;
pub mod order;
pub mod outcome;
mod scan;
pub mod schema;
pub mod split;
pub mod trace;
pub mod words;

pub use arm::Arm;
pub use decide::{Prepared, Verdict, decide};
pub use fact::Fact;
pub use input::{Input, OverLimit, Question};
pub use kept::RuleRef;
pub use outcome::{Answer, EvaluationError, Status, ValueType};

/// Version of the evaluation's meaning. It changes when, and only when, some answer may change; a packet names it, so
/// that a replay checksum can be held against the engine that made it.
pub const VERSION: &str = "countersign-engine-1";
