//! What is live.

use lifecycle::{
    authority::Actor,
    bundle::{Effect, Record},
    system::System,
};
use sqlx::postgres::PgListener;

use crate::{Error, Result, Store};

/// The channel every change of what is live is announced on.
pub const CHANNEL: &str = "countersign_live";

/// What a server needs to answer decisions.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// The bundle at 100 %.
    pub stable: Option<Record>,
    /// The bundle beside it: canary or shadow (0 %).
    pub canary: Option<Record>,
    /// Whether evaluation is on.
    pub enabled: bool,
    /// What is answered while it is off.
    pub bypass_effect: Effect,
    /// Whether a safety pause is in force.
    pub paused: bool,
}

/// What is live, for people.
pub async fn get(_store: &Store, _actor: &Actor) -> Result<System> {
    Err(Error::Internal("system::get".into()))
}

/// What is live, for the server that answers decisions.
pub async fn live(_store: &Store) -> Result<Live> {
    Err(Error::Internal("system::live".into()))
}

/// A listener that hears of every change of what is live.
///
/// # Errors
/// No connection could be made.
pub async fn watch(store: &Store) -> Result<PgListener> {
    let mut listener = PgListener::connect_with(store.pool()).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
