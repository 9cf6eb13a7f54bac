//! `/policy/drills`: rehearsing a rollback in a sandbox.

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use lifecycle::{rollout::DrillReport, signing::Checked};
use store::drills::Filter;

use crate::{
    auth::SignedIn,
    error::{ApiError, ApiResult},
    http::{
        extract::Params,
        response::{List, created, to_list},
    },
    state::AppState,
};

/// The routes of drills.
pub fn router() -> Router<AppState> {
    Router::new().route("/policy/drills", get(list).post(run)).route("/policy/drills/{id}", get(show))
}

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<List> {
    let filter = Filter { limit: Some(params.limit()?), cursor: params.text("cursor") };
    Ok(to_list("drills", store::drills::list(&state.store, &actor, &filter).await?))
}

/// Runs a drill. A drill that fails is an answer, not an error: `safety_passed` is false.
async fn run(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Response> {
    let report = store::drills::run(&state.store, &actor).await?;
    Ok(created(&format!("/policy/drills/{}", report.id), Out(report)))
}

async fn show(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<Checked<DrillReport>>> {
    let id = id.parse().map_err(|_| ApiError::not_found(format_args!("drill `{id}`")))?;
    Ok(Out(store::drills::get(&state.store, &actor, id).await?))
}
