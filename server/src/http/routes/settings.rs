//! `/users`, `/tokens` and `/settings`: for administrators.

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use http::StatusCode;
use lifecycle::settings::{Change, Proposal, Settings};
use policy::bundle::Invariant;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::tokens::NewToken;

use crate::{
    auth::SignedIn,
    error::{ApiError, ApiResult},
    http::{
        extract::{Json, Params},
        response::{List, to_list},
    },
    state::AppState,
};

/// The routes of people, tokens, settings and invariants.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/users", get(users))
        .route("/tokens", get(tokens).post(create_token))
        .route("/tokens/{id}", delete(revoke_token))
        .route("/settings", get(settings).put(change_settings))
        .route("/settings/invariants", get(invariants).put(change_invariants))
        .route("/settings/proposals", get(proposals))
        .route("/settings/proposals/{id}/accept", post(accept))
        .route("/settings/proposals/{id}/reject", post(reject))
}

async fn users(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Value>> {
    let people = store::people::list(&state.store, &actor).await?;
    Ok(Out(json!({ "users": people, "next_cursor": null })))
}

async fn tokens(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Value>> {
    let tokens = store::tokens::list(&state.store, &actor).await?;
    Ok(Out(json!({ "tokens": tokens, "next_cursor": null })))
}

/// Creates a token. This answer is the only one that contains the token itself.
async fn create_token(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(new): Json<NewToken>,
) -> ApiResult<(StatusCode, Out<Value>)> {
    let (token, plain) = store::tokens::create(&state.store, &actor, new).await?;
    Ok((StatusCode::CREATED, Out(json!({ "token": plain, "details": token }))))
}

async fn revoke_token(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<Value>> {
    let id = id.parse().map_err(|_| ApiError::not_found(format_args!("token `{id}`: tokens are numbered")))?;
    Ok(Out(json!(store::tokens::revoke(&state.store, &actor, id).await?)))
}

async fn settings(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Settings>> {
    Ok(Out(store::settings::get(&state.store, &actor).await?))
}

async fn change_settings(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(settings): Json<Settings>,
) -> ApiResult<Response> {
    let changed = store::settings::update(&state.store, &actor, settings).await?;
    Ok(in_force_or_proposed(changed.settings, changed.applied, changed.proposal))
}

/// 200 with what is in force; 202 when something weakens a safeguard and waits for a safety owner.
fn in_force_or_proposed<T: Serialize>(in_force: T, applied: Vec<Change>, proposal: Option<Proposal>) -> Response {
    match proposal {
        None => Out(in_force).into_response(),
        Some(proposal) => {
            (StatusCode::ACCEPTED, Out(json!({ "applied": applied, "proposal": proposal }))).into_response()
        }
    }
}

async fn proposals(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<List> {
    let status = params.named("status", "`pending`, `accepted`, `rejected` or `superseded`")?;
    let (limit, cursor) = (params.limit()?, params.text("cursor"));
    let page = store::settings::proposals(&state.store, &actor, status, Some(limit), cursor.as_deref()).await?;
    Ok(to_list("proposals", page))
}

async fn accept(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<Proposal>> {
    Ok(Out(store::settings::accept(&state.store, &actor, proposal_number(&id)?).await?))
}

async fn reject(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<Proposal>> {
    Ok(Out(store::settings::reject(&state.store, &actor, proposal_number(&id)?).await?))
}

fn proposal_number(id: &str) -> ApiResult<i64> {
    id.parse().map_err(|_| ApiError::not_found(format_args!("proposal `{id}`: proposals are numbered")))
}

/// The invariants that every bundle of the workspace must satisfy.
#[derive(Serialize, Deserialize)]
struct Invariants {
    invariants: Vec<Invariant>,
}

async fn invariants(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Invariants>> {
    Ok(Out(Invariants { invariants: store::settings::invariants(&state.store, &actor).await? }))
}

async fn change_invariants(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(body): Json<Invariants>,
) -> ApiResult<Response> {
    let changed = store::settings::set_invariants(&state.store, &actor, body.invariants).await?;
    let in_force = Invariants { invariants: changed.invariants };
    Ok(in_force_or_proposed(in_force, changed.applied, changed.proposal))
}
