//! People and tokens, as administrators and safety owners manage them.

use leptos::prelude::*;
use lifecycle::authority::{Roles, SentLink};
#[cfg(feature = "ssr")]
use lifecycle::{authority::Role, problem::Problem};
use serde::{Deserialize, Serialize};

use crate::error::{AppError, Reply};

/// A new token. Its secret is shown only once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedToken {
    /// The purpose of the token.
    pub name: String,
    /// The secret.
    pub secret: String,
}

/// A link that was made for a person. Where it has to be handed over, it is shown only once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkFor {
    /// The person's email.
    pub email: String,
    /// The link, or what became of it.
    pub link: SentLink,
}

/// What ended when a person was disabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The person's email.
    pub email: String,
    /// How many sessions ended.
    pub sessions: u64,
    /// The names of the tokens that were revoked.
    pub tokens: Vec<String>,
    /// The roles of a person who was enabled that wait for a safety owner.
    pub waiting: Roles,
}

/// Sets the roles of a person. Roles that need a safety owner become a proposal.
///
/// # Errors
/// `forbidden` without the permission to administer; no person has this email.
#[server(prefix = "/api", endpoint = "workspace/set-roles", output = Reply)]
pub async fn set_roles(email: String, #[server(default)] roles: Vec<String>) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::people::set_roles(&store, &crate::context::actor()?, &email, read_roles(&roles)?).await?;
    crate::context::app_context()?.links.announce(&store).await;
    Ok(())
}

/// Accepts roles that were proposed.
///
/// # Errors
/// `forbidden` for anybody but a safety owner who neither proposed nor gets them; there is no such proposal.
#[server(prefix = "/api", endpoint = "workspace/accept-roles", output = Reply)]
pub async fn accept_roles(id: i64) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::people::accept_roles(&store, &crate::context::actor()?, id).await?;
    Ok(())
}

/// Rejects roles that were proposed.
///
/// # Errors
/// `forbidden` for anybody but safety owners and the proposer; there is no such proposal.
#[server(prefix = "/api", endpoint = "workspace/reject-roles", output = Reply)]
pub async fn reject_roles(id: i64) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::people::reject_roles(&store, &crate::context::actor()?, id).await?;
    Ok(())
}

/// Invites a person, who chooses the password.
///
/// # Errors
/// `forbidden` without the permission to administer; the email is taken or is none.
#[server(prefix = "/api", endpoint = "workspace/invite", output = Reply)]
pub async fn invite_person(
    email: String,
    name: String,
    #[server(default)] roles: Vec<String>,
) -> Result<LinkFor, AppError> {
    let context = crate::context::app_context()?;
    let new = store::people::NewPerson { email, name, roles: read_roles(&roles)? };
    let delivery = context.links.delivery(false);
    let invited = store::people::invite(&context.store, &crate::context::actor()?, &new, delivery).await?;
    let link = context.links.invitation(&invited.person, &invited.link, delivery).await;
    context.links.announce(&context.store).await;
    Ok(LinkFor { email: invited.person.email, link })
}

/// Makes a link with which a person chooses a new password.
///
/// # Errors
/// `forbidden` without the permission to administer; no person has this email; the person is disabled.
#[server(prefix = "/api", endpoint = "workspace/reset", output = Reply)]
pub async fn reset_person(email: String, #[server(default)] hand_over: bool) -> Result<LinkFor, AppError> {
    let context = crate::context::app_context()?;
    let actor = crate::context::actor()?;
    let delivery = context.links.delivery(hand_over);
    let reset = store::people::reset(&context.store, &actor, &email, delivery).await?;
    let link = context.links.reset(&reset, delivery).await;
    context.links.announce(&context.store).await;
    Ok(LinkFor { email: reset.person.email, link })
}

/// Disables a person, or lets them sign in again.
///
/// # Errors
/// `forbidden` without the permission to administer; no person has this email; the last administrator.
#[server(prefix = "/api", endpoint = "workspace/set-enabled", output = Reply)]
pub async fn set_enabled(email: String, #[server(default)] enabled: bool) -> Result<Ended, AppError> {
    let store = crate::context::app_context()?.store;
    let done = store::people::set_enabled(&store, &crate::context::actor()?, &email, enabled).await?;
    crate::context::app_context()?.links.announce(&store).await;
    let tokens = done.revoked_tokens.into_iter().map(|token| token.name).collect();
    let waiting = done.proposal.map(|proposal| proposal.roles).unwrap_or_default();
    Ok(Ended { email: done.user.email, sessions: done.ended_sessions, tokens, waiting })
}

/// Creates a token for a program, limited to agents that are written one a line or separated by commas.
///
/// # Errors
/// `forbidden` without the permission to administer; a name or agents are missing.
#[server(prefix = "/api", endpoint = "workspace/create-token", output = Reply)]
pub async fn create_token(
    name: String,
    agents: String,
    #[server(default)] reporter: bool,
    days: String,
) -> Result<CreatedToken, AppError> {
    let store = crate::context::app_context()?.store;
    let agents =
        agents.split([',', '\n']).map(|agent| agent.trim().to_owned()).filter(|agent| !agent.is_empty()).collect();
    let new = store::tokens::NewServiceToken { name, agents, reporter, expires_in_days: Some(read_days(&days)?) };
    let (token, secret) = store::tokens::create_service(&store, &crate::context::actor()?, new).await?;
    Ok(CreatedToken { name: token.name, secret })
}

/// Revokes a token, immediately and permanently.
///
/// # Errors
/// `forbidden` without the permission to administer; there is no such token.
#[server(prefix = "/api", endpoint = "workspace/revoke-token", output = Reply)]
pub async fn revoke_token(id: i64) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::tokens::revoke(&store, &crate::context::actor()?, id).await?;
    Ok(())
}

/// The days typed into the field `days`.
#[cfg(feature = "ssr")]
pub(super) fn read_days(typed: &str) -> Result<u32, AppError> {
    let wrong = || Problem::invalid_field("/expires_in_days", format!("`{typed}` is not a number of days")).into();
    typed.trim().parse().map_err(|_| wrong())
}

#[cfg(feature = "ssr")]
pub(super) fn read_roles(names: &[String]) -> Result<Roles, AppError> {
    names
        .iter()
        .map(|name| {
            Role::from_name(name)
                .ok_or_else(|| Problem::invalid_field("/roles", format!("`{name}` is not a role")).into())
        })
        .collect()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn unknown_roles_are_refused() {
        assert!(read_roles(&["author".into(), "king".into()]).is_err());
        assert_eq!(read_roles(&["author".into()]).unwrap(), [Role::Author].into());
    }

    #[test]
    fn days_are_read_or_refused() {
        assert_eq!(read_days(" 90 ").unwrap(), 90);
        assert!(["", "many", "-1", "1.5"].iter().all(|wrong| read_days(wrong).is_err()));
    }
}
