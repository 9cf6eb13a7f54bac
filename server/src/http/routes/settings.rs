//! `/settings`: everyone may read them, administrators change them.

use axum::{Json as Out, Router, extract::State, routing::get};
use lifecycle::settings::Settings;
use policy::bundle::Invariant;
use serde::{Deserialize, Serialize};

use crate::{auth::SignedIn, error::ApiResult, http::extract::Json, state::AppState};

/// The routes of settings and invariants.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/settings", get(settings).put(change_settings))
        .route("/settings/invariants", get(invariants).put(change_invariants))
}

async fn settings(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Settings>> {
    Ok(Out(store::settings::get(&state.store, &actor).await?))
}

async fn change_settings(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(settings): Json<Settings>,
) -> ApiResult<Out<Settings>> {
    Ok(Out(store::settings::update(&state.store, &actor, settings).await?))
}

/// The invariants that every bundle of the workspace must satisfy.
#[derive(Serialize, Deserialize)]
struct Invariants {
    invariants: Vec<Invariant>,
}

async fn invariants(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Invariants>> {
    Ok(Out(Invariants { invariants: store::settings::invariants(&state.store, &actor).await? }))
}

async fn change_invariants(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(body): Json<Invariants>,
) -> ApiResult<Out<Invariants>> {
    let invariants = store::settings::set_invariants(&state.store, &actor, body.invariants).await?;
    Ok(Out(Invariants { invariants }))
}
