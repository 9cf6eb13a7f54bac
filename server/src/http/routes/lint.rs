//! `POST /policy/lint`: errors, warnings and notes about a bundle.

use axum::{Json as Out, Router, extract::State, routing::post};
use lifecycle::authority::Permission;
use policy::lint;
use tokio::task::spawn_blocking;

use crate::{
    auth::{self, SignedIn},
    error::ApiResult,
    http::extract::{LARGE, Subject, Tree},
    state::AppState,
};

/// The route of the linter.
pub fn router() -> Router<AppState> {
    Router::new().route("/policy/lint", post(check))
}

async fn check(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Tree(body): Tree<LARGE>,
) -> ApiResult<Out<lint::Report>> {
    auth::require(&actor, Permission::Read)?;
    let subject = Subject::take(body, "", &[])?;
    let source = subject.source(&state.store, &actor, "").await?;
    let invariants = store::settings::invariants(&state.store, &actor).await?;
    let report = spawn_blocking(move || lint::lint_against(&source, &invariants)).await?;
    Ok(Out(report))
}
