//! KPIs of the way from a draft to full traffic: pure functions over audit entries.
//!
//! The SQL views `clo_kpi_summary_v1` and `clo_kpi_projected_vs_realized_detail_v1` give the same numbers; a test of
//! `store` compares the two. So that they agree exactly, all arithmetic is on integers: basis points are whole, and
//! every quotient is rounded half away from zero.

pub mod approvals;
mod arithmetic;
pub mod detail;
pub mod event;
pub mod summary;
#[cfg(test)]
mod tests;
pub mod window;

pub use detail::{Candidate, detail};
pub use event::{Deltas, Event, EventKind};
pub use summary::{Alert, FALSE_POSITIVE_BPS, MARGIN_GAP_BPS, ROLLBACK_SPIKE_BPS, Summary, summary, trend};
pub use window::{WINDOW, Window};
