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

/// What weakens the server without stopping it.
pub const OWNS_TABLES: &str = "the role of DATABASE_URL owns the tables, so whoever has its password can switch off the \
     triggers that protect the audit record: serve as `countersign`, and migrate as the owner with COUNTERSIGN_MIGRATE_URL";

async fn ready(State(state): State<AppState>) -> ApiResult<Json<Value>> {
    state.store.ping().await?;
    let warnings: Vec<&str> = state.owns_tables.then_some(OWNS_TABLES).into_iter().collect();
    Ok(Json(json!({ "status": "ready", "warnings": warnings })))
}
