//! `/policy/bundles/{id}/activate`, `promote`, `rollback`, `check-gates` and `canary-status`: putting a bundle into
//! service and taking it out.

use axum::{
    Json as Out, Router,
    extract::State,
    routing::{get, post},
};
use lifecycle::{
    bundle::Record,
    metrics::GateConfig,
    rollout::{CanaryStatus, GateReport, GivenMetrics, RollbackResponse},
};
use serde::{Deserialize, Serialize};
use store::rollout::RollBack;

use crate::{
    auth::SignedIn,
    error::ApiResult,
    http::{
        extract::{BundleId, Emergency, Json, OptionalJson},
        response::Served,
    },
    state::AppState,
};

/// The routes of one bundle's rollout.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/policy/bundles/{id}/activate", post(activate))
        .route("/policy/bundles/{id}/promote", post(promote))
        .route("/policy/bundles/{id}/rollback", post(roll_back))
        // The runbook's `curl` has a body and no `-X`, which makes it a POST.
        .route("/policy/bundles/{id}/check-gates", post(check_gates))
        .route("/policy/bundles/{id}/canary-status", get(canary_status))
}

#[derive(Deserialize)]
struct Activate {
    packet_id: String,
    #[serde(default)]
    canary_pct: Option<i16>,
}

/// A bundle, and a sentence about what has just changed.
#[derive(Serialize)]
struct RolloutStep {
    #[serde(flatten)]
    bundle: Record,
    message: String,
}

impl From<Record> for RolloutStep {
    fn from(bundle: Record) -> Self {
        let version = &bundle.version;
        let message = match bundle.canary_pct {
            100 => format!("{version} serves all traffic"),
            0 => format!("{version} is evaluated beside stable and serves no traffic"),
            percent => format!("{version} serves {percent} % of traffic"),
        };
        Self { message, bundle }
    }
}

async fn activate(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    BundleId(id): BundleId,
    Json(body): Json<Activate>,
) -> ApiResult<Out<Served<RolloutStep>>> {
    let bundle = store::rollout::apply(&state.store, &actor, id, &body.packet_id, body.canary_pct).await?;
    Ok(Served::of(&state, bundle.into()).await)
}

#[derive(Deserialize)]
struct Promote {
    target_pct: i16,
}

async fn promote(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    BundleId(id): BundleId,
    Json(body): Json<Promote>,
) -> ApiResult<Out<Served<RolloutStep>>> {
    let bundle = store::rollout::promote(&state.store, &actor, id, body.target_pct).await?;
    Ok(Served::of(&state, bundle.into()).await)
}

async fn roll_back(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    BundleId(id): BundleId,
    mut body: Emergency,
) -> ApiResult<Out<Served<RollbackResponse>>> {
    let order = RollBack {
        reason: body.required("reason")?,
        rolled_back_by: body.optional("rolled_back_by"),
        create_incident: body.optional("create_incident").unwrap_or(true),
        triggered_at: body.optional("triggered_at"),
    };
    let mut warnings = body.into_warnings();
    let response = store::rollout::roll_back(&state.store, &actor, id, order).await?;
    warnings.extend(response.warnings);
    Ok(Served::of(&state, RollbackResponse { warnings, ..response }).await)
}

#[derive(Default, Deserialize)]
struct CheckGates {
    #[serde(default)]
    metrics: Option<GivenMetrics>,
    #[serde(default)]
    gate_config: Option<GateConfig>,
}

async fn check_gates(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    BundleId(id): BundleId,
    OptionalJson(body): OptionalJson<CheckGates>,
) -> ApiResult<Out<GateReport>> {
    let body = body.unwrap_or_default();
    Ok(Out(store::rollout::check_gates(&state.store, &actor, id, body.metrics, body.gate_config).await?))
}

async fn canary_status(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    BundleId(id): BundleId,
) -> ApiResult<Out<CanaryStatus>> {
    Ok(Out(store::rollout::canary_status(&state.store, &actor, id).await?))
}
