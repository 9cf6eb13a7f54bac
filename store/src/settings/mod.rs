//! The workspace's settings and invariants.

mod change;
mod limits;
mod queries;
mod row;

pub use change::{change, change_invariants, set_invariants, update};
pub use lifecycle::settings::Settings;
pub use queries::{get, invariants, keys};
pub(crate) use row::{load, load_invariants};
