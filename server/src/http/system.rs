//! `/policy/system`: what is live.

use axum::{Json as Out, Router, extract::State, routing::get};
use lifecycle::system::System;

use super::problem::Answer;
use crate::{auth::SignedIn, state::AppState};

/// The system resource.
pub fn router() -> Router<AppState> {
    Router::new().route("/policy/system", get(show))
}

async fn show(State(state): State<AppState>, SignedIn(actor): SignedIn) -> Answer<Out<System>> {
    Ok(Out(store::system::get(&state.store, &actor).await?))
}
