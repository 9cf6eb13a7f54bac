//! KPIs: what the SQL views answer, how it developed, and the measurements behind it.

mod monitor;
mod queries;

pub use monitor::monitor;
pub use queries::{detail, summary, trend};
