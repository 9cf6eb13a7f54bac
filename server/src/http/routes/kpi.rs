//! `/policy/kpis`: key figures of the 30 days before now, or before `as_of`.

use axum::{Json as Out, Router, extract::State, routing::get};
use lifecycle::{
    Page,
    kpi::{Summary, approvals::ApprovalKpi},
};

use crate::{
    auth::SignedIn,
    error::ApiResult,
    http::{
        extract::Params,
        response::{List, to_list},
    },
    state::AppState,
};

/// The routes of key figures.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/policy/kpis/summary", get(summary))
        .route("/policy/kpis/approvals", get(approvals))
        .route("/policy/kpis/projected-vs-realized", get(detail))
}

async fn summary(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<Out<Summary>> {
    let as_of = params.time("as_of")?;
    Ok(Out(store::kpi::summary(&state.store, &actor, as_of).await?))
}

async fn approvals(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<ApprovalKpi>> {
    Ok(Out(store::kpi::approvals(&state.store, &actor).await?))
}

async fn detail(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<List> {
    let as_of = params.time("as_of")?;
    let items = store::kpi::detail(&state.store, &actor, as_of).await?;
    Ok(to_list("candidates", Page { items, next_cursor: None }))
}
