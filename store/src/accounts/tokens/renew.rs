//! Asking whether a credential still works, after a request was let in.

use lifecycle::authority::{Actor, Credential};
use sqlx::PgConnection;

use super::authenticate;
use crate::{Result, Store, accounts::sessions};

/// Whether the credential that an actor came with still works, with the actor's roles of now: for answers that go on
/// after the request was let in. `None` once the session ended, the token was revoked, or the person was disabled.
///
/// # Errors
/// The database failed.
pub async fn renew(store: &Store, actor: &Actor) -> Result<Option<Actor>> {
    renew_in(&mut *store.pool().acquire().await?, actor).await
}

/// [`renew`] as this connection sees it.
pub(super) async fn renew_in(db: &mut PgConnection, actor: &Actor) -> Result<Option<Actor>> {
    let roles = match actor.pass.credential {
        None => return Ok(Some(actor.clone())),
        Some(Credential::Session(number)) => sessions::roles_now(db, number).await?,
        Some(Credential::Token(number)) => authenticate::roles_now(db, number).await?,
    };
    Ok(roles.map(|roles| Actor { roles, ..actor.clone() }))
}
