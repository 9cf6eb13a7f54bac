//! The public keys of partners.

use leptos::prelude::*;

use crate::error::{AppError, Reply};

/// Proposes to trust a partner's public key.
///
/// # Errors
/// `forbidden` without the permission to administer; `invalid_field` for a name or key that cannot be; `conflict` for a
/// key that is here already.
#[server(prefix = "/api", endpoint = "workspace/propose-partner-key", output = Reply)]
pub async fn propose_partner_key(name: String, public_key: String) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    let new = store::partner_keys::NewPartnerKey { name, public_key };
    store::partner_keys::propose(&store, &crate::context::actor()?, &new).await?;
    Ok(())
}

/// Accepts a key that was proposed.
///
/// # Errors
/// `forbidden` for anybody but a safety owner who did not propose it; there is no such key that waits.
#[server(prefix = "/api", endpoint = "workspace/accept-partner-key", output = Reply)]
pub async fn accept_partner_key(id: i64) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::partner_keys::accept(&store, &crate::context::actor()?, id).await?;
    Ok(())
}

/// Rejects a key that was proposed.
///
/// # Errors
/// `forbidden` for anybody but safety owners and the proposer; there is no such key that waits.
#[server(prefix = "/api", endpoint = "workspace/reject-partner-key", output = Reply)]
pub async fn reject_partner_key(id: i64) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::partner_keys::reject(&store, &crate::context::actor()?, id).await?;
    Ok(())
}

/// Removes a key that is trusted.
///
/// # Errors
/// `forbidden` without the permission to administer; there is no such key that is trusted.
#[server(prefix = "/api", endpoint = "workspace/remove-partner-key", output = Reply)]
pub async fn remove_partner_key(id: i64) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::partner_keys::remove(&store, &crate::context::actor()?, id).await?;
    Ok(())
}
