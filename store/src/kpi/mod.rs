//! KPIs: the results of the SQL views, their trend, the measurements behind them, and what people
//! decided at run time.

mod approvals;
mod monitor;
mod queries;

pub use approvals::approvals;
pub use monitor::monitor;
pub use queries::{detail, summary, trend};
