//! Bundles: making, editing and reading them, and taking them elsewhere.

mod edit;
mod read;
pub(crate) mod row;
mod transfer;

pub(crate) use edit::base_of;
pub use edit::{clone_draft, create, update, withdraw};
pub use read::{Filter, diff, get, list, summaries};
pub use transfer::{Imported, export, import, preview_import, verify};
