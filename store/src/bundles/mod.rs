//! Policy bundles: creating, editing and reading them, and moving them between instances.

mod authors;
mod edit;
mod previous;
mod queries;
pub(crate) mod row;
mod transfer;

pub(crate) use authors::{add_authors, unreviewed_authors};
pub(crate) use edit::base_of;
pub use edit::{clone_draft, create, update, withdraw};
pub(crate) use previous::{is_fresh, last_known_good};
pub use queries::{Filter, diff, get, list, summaries};
pub use transfer::{Imported, export, export_with, import, preview_import, verify};
