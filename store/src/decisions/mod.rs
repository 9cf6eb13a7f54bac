//! The decision log and the outcomes reported to it.

mod append;
mod copy;
mod errors;
mod idempotency;
mod outcomes;
mod read;
pub(crate) mod row;

pub use append::{Appender, Decision, append};
pub use errors::error_metrics;
pub(crate) use errors::rate;
pub use idempotency::Repeated;
pub use outcomes::{OutcomeReport, OutcomesReported, report_outcome, report_outcomes};
pub use read::{Filter, get, list};
pub(crate) use read::{each_newest, newest};
