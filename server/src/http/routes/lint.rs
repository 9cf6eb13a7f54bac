//! `POST /policy/lint`: errors, warnings and notes about a bundle.

use axum::{Json as Out, Router, extract::State, routing::post};
use lifecycle::{authority::Permission, problem::Problem};
use policy::{json::Document, lint};
use tokio::task::spawn_blocking;

use crate::{
    auth::{self, SignedIn},
    error::ApiResult,
    http::extract::{Json, LARGE, Subject},
    state::AppState,
};

/// The route of the linter.
pub fn router() -> Router<AppState> {
    Router::new().route("/policy/lint", post(check))
}

async fn check(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(Document(body)): Json<Document, LARGE>,
) -> ApiResult<Out<lint::Report>> {
    auth::require(&actor, Permission::Read)?;
    let subject = Subject::take(body).map_err(|detail| Problem::invalid_field("", detail))?;
    let source = subject.source(&state.store, &actor, "").await?;
    let invariants = store::settings::invariants(&state.store, &actor).await?;
    let report = spawn_blocking(move || lint::lint_against(&source, &invariants)).await?;
    Ok(Out(report))
}
