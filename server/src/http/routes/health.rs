//! `/healthz`: whether the process answers. `/readyz`: whether its database answers too.

use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};

use crate::{error::ApiResult, state::AppState};

/// The routes of health. No token is needed.
pub fn router() -> Router<AppState> {
    Router::new().route("/healthz", get(healthy)).route("/readyz", get(ready))
}

async fn healthy() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn ready(State(state): State<AppState>) -> ApiResult<Json<Value>> {
    state.store.ping().await?;
    Ok(Json(json!({ "status": "ready" })))
}
