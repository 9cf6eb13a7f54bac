//! `POST /policy/lint`: errors, warnings and notes about a bundle.

use axum::{Json as Out, Router, extract::State, routing::post};
use lifecycle::authority::Permission;
use policy::lint;

use crate::{
    auth::{self, SignedIn},
    error::ApiResult,
    http::extract::{LARGE, Subject, Written},
    state::AppState,
};

/// The route of the linter.
pub fn router() -> Router<AppState> {
    Router::new().route("/policy/lint", post(check))
}

async fn check(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Written(body, literals): Written<LARGE>,
) -> ApiResult<Out<lint::Report>> {
    auth::require(&actor, Permission::Read)?;
    let subject = Subject::take(body, "", &[])?;
    let source = subject.source(&state.store, &actor, ("", literals)).await?;
    let invariants = store::settings::invariants(&state.store, &actor).await?;
    let check = move || lint::lint_against(&source, &invariants);
    Ok(Out(state.store.heavy().run(&actor.name, check).await?))
}
