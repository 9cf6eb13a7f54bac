//! Evaluation: one input, one bundle, one answer. There is no second implementation outside tests.

pub mod decide;
pub mod input;
pub mod order;
pub mod outcome;
pub mod split;
pub mod trace;

pub use decide::decide;
pub use input::Input;
pub use outcome::{Answer, EvaluationError, Status, ValueType};
