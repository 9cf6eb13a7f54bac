//! The decision log and the outcomes reported to it.

mod append;
mod copy;
mod errors;
mod outcomes;
mod read;
mod repeated;
pub(crate) mod row;

pub use append::{Appender, Decision, append};
pub use errors::error_metrics;
pub(crate) use errors::rate;
pub use outcomes::{OutcomeReport, OutcomesReported, report_outcome, report_outcomes};
pub use read::{Filter, get, list};
pub(crate) use read::{each_newest, newest};
pub use repeated::Repeated;
