//! Incidents: opening them, moving them on, and their post-mortems.

mod advance;
mod open;
mod post_mortem;
mod queries;
mod row;
mod unproven;

pub use advance::advance;
pub use open::{NewIncident, create};
pub(crate) use open::{Opening, insert, note_opened, open};
pub use post_mortem::{post_mortem, save_post_mortem};
pub use queries::{Filter, get, list};
pub(crate) use row::add_timeline_entry;
pub(crate) use unproven::{
    MISSING_KEY_SOURCE, UNAUDITED_SOURCE, UNPROVEN_SOURCE, is_genuine, opened_by_system, unproven,
};
