//! `/settings`: everyone may read them, administrators change them.

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use lifecycle::{
    authority::GroupRoles,
    settings::{Change, Proposal, Settings},
};
use policy::bundle::Invariant;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    auth::SignedIn,
    error::{ApiError, ApiResult},
    http::{
        extract::{Json, Params},
        response::{List, to_list},
    },
    state::AppState,
};

/// The routes of settings, invariants and the group table.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/settings", get(settings).put(change_settings))
        .route("/settings/invariants", get(invariants).put(change_invariants))
        .route("/settings/groups", get(groups).put(change_groups))
        .route("/settings/proposals", get(proposals))
        .route("/settings/proposals/{id}/accept", post(accept))
        .route("/settings/proposals/{id}/reject", post(reject))
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

/// The roles that groups at the sign-in provider give.
#[derive(Serialize, Deserialize)]
struct Groups {
    groups: Vec<GroupRoles>,
}

async fn groups(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Groups>> {
    Ok(Out(Groups { groups: store::settings::groups(&state.store, &actor).await? }))
}

async fn change_groups(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(body): Json<Groups>,
) -> ApiResult<Response> {
    let changed = store::settings::set_groups(&state.store, &actor, body.groups).await?;
    Ok(in_force_or_proposed(Groups { groups: changed.groups }, changed.applied, changed.proposal))
}
