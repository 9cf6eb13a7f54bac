//! Exceptions to failed guardrails, guards that a draft removes, and proposals to weaken a safeguard.

use leptos::prelude::*;
use lifecycle::review::RemovedGuard;
#[cfg(feature = "ssr")]
use lifecycle::{
    authority::{Permission, authorize},
    problem::Problem,
    review::guardrails::GuardrailName,
};

use crate::error::{AppError, Reply};

/// Signs an exception to a failed guardrail.
///
/// # Errors
/// `forbidden` without the permission; `invalid_field` for a blank reason, or a guardrail that did not fail.
#[server(prefix = "/api", endpoint = "packets/sign-exception", output = Reply)]
pub async fn sign_exception(packet_id: String, guardrail: String, reason: String) -> Result<(), AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    authorize(&me, Permission::SignExceptions).map_err(store::Error::from)?;
    let name = GuardrailName::ALL.into_iter().find(|name| name.name() == guardrail);
    let name = name.ok_or_else(|| Problem::invalid_field("/guardrail", format!("`{guardrail}` is no guardrail")))?;
    store::packets::sign_exception(&store, &me, &packet_id, name, &reason).await?;
    Ok(())
}

/// The guards that a draft removes or weakens.
///
/// # Errors
/// `unauthenticated` without a signed-in person; there is no such draft.
#[server(prefix = "/api", endpoint = "bundles/removed-guards", output = Reply)]
pub async fn removed_guards(id: i64) -> Result<Vec<RemovedGuard>, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    Ok(store::packets::removed_guards(&store, &me, id).await?)
}

/// Accepts that a safeguard becomes weaker.
///
/// # Errors
/// `forbidden` without the permission, and for who proposed it; `conflict` when the setting has another value by now.
#[server(prefix = "/api", endpoint = "workspace/accept-proposal", output = Reply)]
pub async fn accept_proposal(id: i64) -> Result<(), AppError> {
    store::settings::accept(&crate::context::app_context()?.store, &crate::context::actor()?, id).await?;
    Ok(())
}

/// Rejects that a safeguard becomes weaker.
///
/// # Errors
/// `forbidden` without the permission, and for who proposed it.
#[server(prefix = "/api", endpoint = "workspace/reject-proposal", output = Reply)]
pub async fn reject_proposal(id: i64) -> Result<(), AppError> {
    store::settings::reject(&crate::context::app_context()?.store, &crate::context::actor()?, id).await?;
    Ok(())
}
