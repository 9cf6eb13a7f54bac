//! The decision log and the outcomes reported to it.

mod append;
mod copy;
mod corpus;
mod counts;
mod error_metrics;
mod idempotency;
mod outcomes;
mod pending;
mod queries;
mod row;

pub use append::{Appender, append};
pub use corpus::{CorpusFilter, encoded_corpus};
pub(crate) use counts::{counts, counts_between, rate, shadow_counts};
pub use error_metrics::error_metrics;
pub use idempotency::DuplicateDecision;
pub use outcomes::{OutcomeReport, OutcomesReported, report_outcome, report_outcomes};
pub use pending::Decision;
pub(crate) use queries::newest;
pub use queries::{Filter, get, list};
