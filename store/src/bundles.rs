//! Bundles: making, editing and reading them.

mod edit;
mod read;
pub(crate) mod row;

pub(crate) use edit::base_of;
pub use edit::{clone_draft, create, update, withdraw};
pub use read::{Filter, diff, get, list, summaries};
