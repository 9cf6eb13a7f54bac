//! `/policy/decisions` and `/policy/outcomes`: the decision log, and the outcomes of decisions.

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    routing::{get, post},
};
use lifecycle::{decision::Record, problem::Problem};
use policy::replay::Outcome;
use serde::Deserialize;
use store::decisions::{Filter, OutcomeReport, OutcomesReported};

use crate::{
    auth::SignedIn,
    error::{ApiError, ApiResult},
    http::{
        extract::{Json, LARGE, Params},
        response::{List, to_list},
    },
    state::AppState,
};

/// Maximum number of outcomes in one report.
const MOST_OUTCOMES: usize = 10_000;

/// The routes of the decision log.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/policy/decisions", get(list))
        .route("/policy/decisions/{decision_id}", get(show))
        .route("/policy/decisions/{decision_id}/outcome", post(report))
        .route("/policy/outcomes", post(report_many))
}

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<List> {
    let filter = Filter {
        bundle_id: params.parse("bundle_id", "a bundle's number")?,
        status: params.named("status", "`matched`, `no_match` or `error`")?,
        effect: params.named("effect", "`allow`, `deny` or `needs_approval`")?,
        agent: params.text("agent"),
        action: params.text("action"),
        since: params.time("since")?,
        until: params.time("until")?,
        limit: Some(params.limit()?),
        cursor: params.text("cursor"),
        ..Filter::default()
    };
    Ok(to_list("decisions", store::decisions::list(&state.store, &actor, &filter).await?))
}

async fn show(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(decision_id): Path<String>,
) -> ApiResult<Out<Record>> {
    Ok(Out(store::decisions::get(&state.store, &actor, &decision_id).await?))
}

async fn report(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(decision_id): Path<String>,
    Json(outcome): Json<Outcome>,
) -> ApiResult<Out<Record>> {
    Ok(Out(store::decisions::report_outcome(&state.store, &actor, &decision_id, outcome).await?))
}

#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<OutcomeReport>,
}

async fn report_many(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(body): Json<Outcomes, LARGE>,
) -> ApiResult<Out<OutcomesReported>> {
    if body.outcomes.len() > MOST_OUTCOMES {
        let detail = format!("may hold at most {MOST_OUTCOMES} outcomes, found {}", body.outcomes.len());
        return Err(ApiError(Problem::invalid_field("/outcomes", detail)));
    }
    Ok(Out(store::decisions::report_outcomes(&state.store, &actor, &body.outcomes).await?))
}
