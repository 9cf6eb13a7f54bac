//! The workspace's settings, invariants and group table.

mod change;
mod groups;
mod limits;
mod proposals;
mod queries;
mod row;

pub use change::{ChangedInvariants, change, change_invariants, set_invariants, update};
pub use groups::{ChangedGroups, change_groups, groups, set_groups};
pub use lifecycle::settings::{Change, Settings};
pub use proposals::{accept, proposals, reject};
pub use queries::{below_default, get, invariants, keys, who_has_passwords};
pub(crate) use row::{load, load_groups, load_invariants};
