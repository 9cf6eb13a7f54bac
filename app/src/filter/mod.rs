//! Filters of lists, as they stand in the address bar: a link to a filtered list shows everyone the same rows.
//!
//! ```text
//! address     reading parameters, and writing them back
//! range       how far back a list goes
//! decisions   the filter of the decision log
//! audit       the filter of the audit trail
//! ```

pub mod address;
pub mod audit;
pub mod decisions;
pub mod range;

pub use audit::AuditFilter;
pub use decisions::DecisionFilter;
pub use range::TimeRange;
