//! `/partner-keys`: the public keys of partners, whose signed files count here.

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    routing::{delete, get, post},
};
use http::StatusCode;
use lifecycle::{authority::Permission, transfer::PartnerKey};
use serde_json::{Value, json};
use store::partner_keys::{self, NewPartnerKey};

use super::accounts::number;
use crate::{
    auth::{self, SignedIn},
    error::ApiResult,
    http::extract::Json,
    state::AppState,
};

/// The routes of partners' keys.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/partner-keys", get(list).post(propose))
        .route("/partner-keys/{id}", delete(remove))
        .route("/partner-keys/{id}/accept", post(accept))
        .route("/partner-keys/{id}/reject", post(reject))
}

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Value>> {
    let keys = partner_keys::list(&state.store, &actor).await?;
    Ok(Out(json!({ "keys": keys, "next_cursor": null })))
}

async fn propose(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(new): Json<NewPartnerKey>,
) -> ApiResult<(StatusCode, Out<PartnerKey>)> {
    Ok((StatusCode::CREATED, Out(partner_keys::propose(&state.store, &actor, &new).await?)))
}

async fn accept(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<PartnerKey>> {
    auth::require(&actor, Permission::Countersign)?;
    Ok(Out(partner_keys::accept(&state.store, &actor, number(&id, "key")?).await?))
}

async fn reject(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<PartnerKey>> {
    auth::require(&actor, Permission::Read)?;
    Ok(Out(partner_keys::reject(&state.store, &actor, number(&id, "key")?).await?))
}

async fn remove(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<PartnerKey>> {
    auth::require(&actor, Permission::Administer)?;
    Ok(Out(partner_keys::remove(&state.store, &actor, number(&id, "key")?).await?))
}
