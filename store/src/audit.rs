//! Reading the record of who decided what, and adding to it.

use lifecycle::{
    Page, Timestamp,
    audit::{Entry, EventType},
    authority::Actor,
};

use crate::{Error, Result, Store};

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this kind.
    pub event_type: Option<EventType>,
    /// By this actor.
    pub actor: Option<String>,
    /// About this kind of thing.
    pub subject_type: Option<String>,
    /// About this one.
    pub subject_id: Option<String>,
    /// From this time, inclusive.
    pub since: Option<Timestamp>,
    /// Until this time, exclusive.
    pub until: Option<Timestamp>,
    /// Most rows to answer.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Entries, newest first.
///
/// # Errors
/// Denied without [`lifecycle::authority::Permission::Read`]; a malformed cursor.
pub async fn list(_store: &Store, _actor: &Actor, _filter: &Filter) -> Result<Page<Entry>> {
    Err(Error::Internal("audit::list".into()))
}
