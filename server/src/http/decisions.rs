//! `/policy/decisions` and `/policy/outcomes`: what was decided, and what came of it.

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    routing::{get, post},
};
use lifecycle::{decision::Record, problem::Problem};
use policy::{Timestamp, replay::Outcome};
use serde::Deserialize;
use store::decisions::{Filter, OutcomeReport, OutcomesReported};

use super::{
    input::{Json, LARGE, Params},
    page::{Listed, listed},
    problem::{ApiError, ApiResult},
};
use crate::{auth::SignedIn, state::AppState};

/// Most outcomes of one report.
const MOST_OUTCOMES: usize = 10_000;

/// The decision log.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/policy/decisions", get(list))
        .route("/policy/decisions/{decision_id}", get(show))
        .route("/policy/decisions/{decision_id}/outcome", post(report))
        .route("/policy/outcomes", post(report_many))
}

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<Listed> {
    let filter = Filter {
        bundle_id: params.parse("bundle_id", "a bundle's number")?,
        status: params.named("status", "`matched`, `no_match` or `error`")?,
        effect: params.named("effect", "`allow`, `deny` or `needs_approval`")?,
        agent: params.text("agent"),
        action: params.text("action"),
        since: time_parameter(&params, "since")?,
        until: time_parameter(&params, "until")?,
        limit: Some(params.limit()?),
        cursor: params.text("cursor"),
    };
    Ok(listed("decisions", store::decisions::list(&state.store, &actor, &filter).await?))
}

/// A time in the query string. A `+` there arrives as a space.
pub(super) fn time_parameter(params: &Params, name: &str) -> ApiResult<Option<Timestamp>> {
    params.convert(name, "a time such as `2026-01-31T12:00:00Z`", |text| text.replace(' ', "+").parse().ok())
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
    Json(asked): Json<Outcomes, LARGE>,
) -> ApiResult<Out<OutcomesReported>> {
    if asked.outcomes.len() > MOST_OUTCOMES {
        let detail = format!("may hold at most {MOST_OUTCOMES} outcomes, found {}", asked.outcomes.len());
        return Err(ApiError(Problem::invalid_field("/outcomes", detail)));
    }
    Ok(Out(store::decisions::report_outcomes(&state.store, &actor, &asked.outcomes).await?))
}
