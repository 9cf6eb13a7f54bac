//! `/healthz`: whether the process answers, and its loops live. `/readyz`: whether changes can be written.
//! `/readyz/evaluate`: whether decisions can be answered, which goes on while the database is away.

use std::time::{Duration, Instant};

use axum::{Json, Router, extract::State, routing::get};
use lifecycle::problem::{Code, Problem};
use serde::Serialize;
use store::Store;
use tokio::time::timeout;

use crate::{
    error::{ApiError, ApiResult},
    heartbeats::Loop,
    state::AppState,
};

/// How long the database may take to say that it takes writes.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long its answer holds: anybody may ask, as often as they like.
const FRESH: Duration = Duration::from_millis(250);

/// The routes of health. No token is needed.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
        .route("/readyz/evaluate", get(ready_to_evaluate))
}

#[derive(Serialize)]
struct Health {
    /// `ok`, or `impaired` while a loop is silent.
    status: &'static str,
    loops: Vec<Loop>,
}

/// Answers 200 also while a loop is silent: it is started again, and killing the process would not be faster.
async fn healthy(State(state): State<AppState>) -> Json<Health> {
    let loops = state.heartbeats.read();
    let status = if loops.iter().all(|found| found.alive) { "ok" } else { "impaired" };
    Json(Health { status, loops })
}

/// What weakens the server without stopping it.
pub const OWNS_TABLES: &str = "the role of DATABASE_URL owns the tables, so anyone with its password can switch off the \
     triggers that protect the audit record: serve as `countersign`, and migrate as the owner with COUNTERSIGN_MIGRATE_URL";
const BUFFERS: &str = "decisions are buffered on this server's disk, because the database was away";

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    warnings: Vec<String>,
}

async fn ready(State(state): State<AppState>) -> ApiResult<Json<Ready>> {
    let store = state.store.identifying();
    state
        .writable
        .get(Instant::now(), |began, _| began.elapsed() < FRESH, || takes_writes(store))
        .await
        .map_err(ApiError)?;
    let mut warnings = state.private_postgres.warnings();
    warnings.extend(state.owns_tables.then(|| OWNS_TABLES.to_owned()));
    warnings.extend(state.live.log.is_buffering().then(|| BUFFERS.to_owned()));
    Ok(Json(Ready { status: "ready", warnings }))
}

async fn takes_writes(store: Store) -> Result<(), Problem> {
    match timeout(PATIENCE, store.takes_writes()).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => {
            Err(Problem::new(Code::Unavailable, "the database takes no writes: it is a standby, or read-only"))
        }
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Problem::new(Code::Unavailable, "the database does not answer")),
    }
}

async fn ready_to_evaluate(State(state): State<AppState>) -> ApiResult<Json<Ready>> {
    if let Some(why) = state.live.log.refuses() {
        return Err(ApiError::new(Code::Unavailable, why));
    }
    let warnings = state.live.log.is_buffering().then(|| BUFFERS.to_owned());
    Ok(Json(Ready { status: "ready", warnings: warnings.into_iter().collect() }))
}
