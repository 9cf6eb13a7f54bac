//! KPIs: the results of the SQL views, their trend, and the measurements behind them.

mod monitor;
mod queries;

pub use monitor::monitor;
pub use queries::{detail, summary, trend};
