//! The safety pause and the emergency switch for the pages.

use leptos::prelude::*;
use policy::bundle::Effect;

use crate::error::{AppError, Reply};

/// Engages the safety pause and returns a sentence about the result. A blank ticket opens an incident; a blank trigger
/// means none.
///
/// # Errors
/// `forbidden` without the permission; `invalid_field` for a blank reason.
#[server(prefix = "/api", endpoint = "system/pause", output = Reply)]
pub async fn pause_system(
    reason: String,
    #[server(default)] ticket: String,
    #[server(default)] trigger: String,
) -> Result<String, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let order = store::system::Engage { reason, ticket: Some(ticket), trigger_metrics: vec![trigger] };
    Ok(store::system::pause(&store, &me, order).await?.message)
}

/// Signs the release of the pause and returns a sentence about the result.
///
/// # Errors
/// `forbidden` without the permission; `release_refused` for a person or role that has signed already, or while a
/// trigger is not clear.
#[server(prefix = "/api", endpoint = "system/release", output = Reply)]
pub async fn sign_release(remediation: String) -> Result<String, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    Ok(store::system::sign_release(&store, &me, &remediation).await?.message)
}

/// Disables evaluation. `sure` is the checkbox that confirms the intention.
///
/// # Errors
/// `forbidden` without the permission; `invalid_field` for a blank reason or an unchecked box.
#[server(prefix = "/api", endpoint = "system/disable", output = Reply)]
pub async fn disable_evaluation(
    reason: String,
    bypass_effect: Effect,
    #[server(default)] sure: bool,
) -> Result<String, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    if me.may(lifecycle::authority::Permission::DisableEvaluation) && !sure {
        let detail = "tick the box: while evaluation is off, no rule decides anything";
        return Err(lifecycle::problem::Problem::invalid_field("/sure", detail).into());
    }
    Ok(store::system::disable(&store, &me, &reason, Some(bypass_effect)).await?.message)
}

/// Enables evaluation.
///
/// # Errors
/// `forbidden` without the permission.
#[server(prefix = "/api", endpoint = "system/enable", output = Reply)]
pub async fn enable_evaluation() -> Result<String, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    Ok(store::system::enable(&store, &me, None).await?.message)
}
