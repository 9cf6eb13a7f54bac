//! One's own account: password, tokens, sessions.

use leptos::prelude::*;
use lifecycle::authority::{Identity, Roles, Session, Token};
use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::people::CreatedToken;
#[cfg(feature = "ssr")]
use super::people::{read_days, read_roles};
use crate::error::{AppError, Reply};

/// The content of the page *You*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// The person's email.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// The person's roles.
    pub roles: Roles,
    /// Who the person is at the sign-in provider, if the account is linked.
    pub identity: Option<Identity>,
    /// What people call the sign-in provider, if there is one.
    pub provider: Option<String>,
    /// Whether the password was given in this session a few minutes ago, as linking the account asks.
    pub confirmed: bool,
    /// The person signs nothing before this time.
    pub signs_from: Option<Timestamp>,
    /// The person's tokens, newest first.
    pub tokens: Vec<Token>,
    /// The person's sessions, the one used last first.
    pub sessions: Vec<Session>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Reads the account.
///
/// # Errors
/// `unauthenticated` without a signed-in person.
#[server(prefix = "/api", endpoint = "me/read", output = Reply)]
pub async fn read_me() -> Result<Me, AppError> {
    let caller = crate::context::caller();
    let actor = crate::context::actor()?;
    let context = crate::context::app_context()?;
    let store = context.store;
    Ok(Me {
        identity: store::identities::own(&store, &actor).await?,
        provider: context.provider.map(|name| name.to_string()),
        confirmed: store::people::is_confirmed(&store, &actor).await?,
        tokens: store::tokens::list_own(&store, &actor).await?,
        sessions: store::sessions::list_own(&store, &actor).await?,
        name: caller.name.unwrap_or_else(|| actor.name.clone()),
        signs_from: actor.pass.signs_from,
        email: actor.name,
        roles: actor.roles,
        as_of: crate::context::now(),
    })
}

/// Changes the password. Every other session ends.
///
/// # Errors
/// `invalid_field` for a wrong old password or a weak new one; `too_many_requests` after several wrong ones.
#[server(prefix = "/api", endpoint = "me/change-password", output = Reply)]
pub async fn change_password(old_password: String, new_password: String) -> Result<(), AppError> {
    let (actor, source) = (crate::context::actor()?, crate::context::caller().source);
    let store = crate::context::app_context()?.store;
    store::people::change_password(&store, &actor, &source, &old_password, &new_password).await?;
    Ok(())
}

/// Creates a token with some of one's own roles.
///
/// # Errors
/// `invalid_field` for a name, roles or days that cannot be, and for a missing or wrong password.
#[server(prefix = "/api", endpoint = "me/create-token", output = Reply)]
pub async fn create_own_token(
    name: String,
    #[server(default)] roles: Vec<String>,
    days: String,
    #[server(default)] password: String,
) -> Result<CreatedToken, AppError> {
    let (actor, source) = (crate::context::actor()?, crate::context::caller().source);
    let store = crate::context::app_context()?.store;
    let new = store::tokens::NewOwnToken {
        name,
        roles: read_roles(&roles)?,
        expires_in_days: Some(read_days(&days)?),
        password: Some(password),
    };
    let (token, secret) = store::tokens::create_own(&store, &actor, &source, new).await?;
    Ok(CreatedToken { name: token.name, secret })
}

/// Revokes one's own token.
///
/// # Errors
/// `not_found` when one has no such token.
#[server(prefix = "/api", endpoint = "me/revoke-token", output = Reply)]
pub async fn revoke_own_token(id: i64) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::tokens::revoke_own(&store, &crate::context::actor()?, id).await?;
    Ok(())
}

/// Ends one of one's own sessions.
///
/// # Errors
/// `not_found` when one has no such session.
#[server(prefix = "/api", endpoint = "me/end-session", output = Reply)]
pub async fn end_session(id: i64) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::sessions::end_own(&store, &crate::context::actor()?, id).await?;
    Ok(())
}

/// Signs out everywhere, here too, and revokes one's tokens.
///
/// # Errors
/// `unavailable` when the database cannot be used.
#[server(prefix = "/api", endpoint = "me/end-all-sessions", output = Reply)]
pub async fn end_all_sessions() -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::people::sign_out_everywhere(&store, &crate::context::actor()?).await?;
    leptos_axum::redirect("/sign-in");
    Ok(())
}

/// Gives one's password again, before what outlives the session.
///
/// # Errors
/// `invalid_field` for a wrong password, and for an account without one; `too_many_requests` after several wrong ones.
#[server(prefix = "/api", endpoint = "me/confirm", output = Reply)]
pub async fn confirm_session(password: String) -> Result<(), AppError> {
    let (actor, source) = (crate::context::actor()?, crate::context::caller().source);
    store::people::confirm_session(&crate::context::app_context()?.store, &actor, &source, &password).await?;
    Ok(())
}

/// Unlinks the account from the sign-in provider. Sessions that began there end.
///
/// # Errors
/// `not_found` when the account is not linked; `conflict` when one could not sign in any more.
#[server(prefix = "/api", endpoint = "me/unlink", output = Reply)]
pub async fn unlink_identity() -> Result<(), AppError> {
    store::identities::unlink(&crate::context::app_context()?.store, &crate::context::actor()?).await?;
    Ok(())
}
