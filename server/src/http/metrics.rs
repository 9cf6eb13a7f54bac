//! `/metrics/errors`: how many of the last decisions went wrong.

use app::context::Caller;
use axum::Extension;
use axum::{Json as Out, Router, extract::State, routing::get};
use lifecycle::{authority::Permission, workspace::ErrorMetrics};

use super::{
    input::Params,
    problem::{Answer, Refusal},
};
use crate::{auth, state::AppState};

/// The window when none is asked for.
const DEFAULT_WINDOW: &str = "5m";

/// Measurements.
pub fn router() -> Router<AppState> {
    Router::new().route("/metrics/errors", get(errors))
}

/// Open on a loopback address, because the runbook's line for it carries no token.
async fn errors(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    params: Params,
) -> Answer<Out<ErrorMetrics>> {
    if !state.open_metrics {
        let actor = caller.actor.ok_or_else(Refusal::unauthenticated)?;
        auth::require(&actor, Permission::Read)?;
    }
    let window = params.text("window").unwrap_or_else(|| DEFAULT_WINDOW.to_owned());
    Ok(Out(store::decisions::error_metrics(&state.store, &window).await?))
}
