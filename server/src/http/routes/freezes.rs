//! `/policy/freezes`: times in which nothing is applied or promoted, and stopping the line.

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    response::Response,
    routing::{delete, get},
};
use lifecycle::rollout::freeze::Freeze;
use serde::Serialize;
use store::rollout::NewFreeze;

use crate::{
    auth::SignedIn,
    error::{ApiError, ApiResult},
    http::{extract::Json, response::created},
    state::AppState,
};

/// The routes of freezes.
pub fn router() -> Router<AppState> {
    Router::new().route("/policy/freezes", get(list).post(create)).route("/policy/freezes/{id}", delete(end))
}

#[derive(Serialize)]
struct Freezes {
    freezes: Vec<Freeze>,
}

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Freezes>> {
    Ok(Out(Freezes { freezes: store::rollout::freezes(&state.store, &actor).await? }))
}

async fn create(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(body): Json<NewFreeze>,
) -> ApiResult<Response> {
    let made = store::rollout::freeze(&state.store, &actor, body).await?;
    Ok(created(&format!("/policy/freezes/{}", made.id), Out(made)))
}

async fn end(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<Freeze>> {
    let id = id.parse().map_err(|_| ApiError::not_found(format_args!("freeze `{id}`: freezes are numbered")))?;
    Ok(Out(store::rollout::end_freeze(&state.store, &actor, id).await?))
}
