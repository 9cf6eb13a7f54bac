//! The decision log and the outcomes reported to it.

mod append;
mod errors;
mod outcomes;
mod read;
pub(crate) mod row;

pub use append::append;
pub use errors::error_metrics;
pub(crate) use errors::rate;
pub use outcomes::{OutcomeReport, OutcomesReported, report_outcome, report_outcomes};
pub use read::{Filter, get, list};
pub(crate) use read::{each_newest, newest};
