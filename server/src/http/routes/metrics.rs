//! `/metrics`: metrics of the workspace, for Prometheus; `/metrics/errors`: the error rate of recent decisions.

use app::context::Caller;
use axum::{
    Extension, Json as Out, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header;
use lifecycle::{
    authority::Permission, metrics::ErrorMetrics, problem::Code, rollout::GateVerdict, system::ServingBundle,
};
use prometheus::{Gauge, GaugeVec, IntCounter, Opts, Registry, TEXT_FORMAT, TextEncoder};
use store::{metrics::WorkspaceMetrics, refusals::Refusals};

use crate::{
    auth,
    error::{ApiError, ApiResult},
    evaluation::DecisionMetrics,
    http::extract::Params,
    state::AppState,
};

/// The window if the request names none.
const DEFAULT_WINDOW: &str = "5m";

/// The routes of metrics.
pub fn router() -> Router<AppState> {
    Router::new().route("/metrics", get(metrics)).route("/metrics/errors", get(errors))
}

/// On a loopback address metrics need no token: the runbook's `curl` sends none, and neither do scrapers.
fn check_access(state: &AppState, caller: Caller) -> ApiResult<()> {
    if !state.open_metrics {
        let actor = caller.actor.ok_or_else(ApiError::unauthenticated)?;
        auth::require(&actor, Permission::Read)?;
    }
    Ok(())
}

async fn metrics(State(state): State<AppState>, Extension(caller): Extension<Caller>) -> ApiResult<Response> {
    check_access(&state, caller)?;
    let metrics = state.metrics.read(&state.store).await?;
    let text = render(&metrics, &state.live.metrics, &state.live.refusals).map_err(|error| {
        tracing::error!(%error, "the metrics cannot be rendered");
        ApiError::new(Code::Internal, "something went wrong on the server; its log has the details")
    })?;
    Ok(([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response())
}

async fn errors(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    params: Params,
) -> ApiResult<Out<ErrorMetrics>> {
    check_access(&state, caller)?;
    let window = params.text("window").unwrap_or_else(|| DEFAULT_WINDOW.to_owned());
    Ok(Out(store::decisions::error_metrics(&state.store, &window).await?))
}

/// All metrics in Prometheus' text format.
fn render(metrics: &WorkspaceMetrics, counts: &DecisionMetrics, refusals: &Refusals) -> prometheus::Result<String> {
    let registry = Registry::new();
    counts.register(&registry)?;
    let counter = |name: &str, help: &str, count: u64| {
        let counter = IntCounter::new(name, help)?;
        counter.inc_by(count);
        registry.register(Box::new(counter))
    };
    counter(
        "policy_sign_in_failures_total",
        "Sign-ins with a wrong password or for an unknown account, since this server started.",
        refusals.sign_ins(),
    )?;
    counter(
        "policy_refused_requests_total",
        "Requests that the caller's roles or token do not allow, since this server started.",
        refusals.accesses(),
    )?;
    let gauge = |name: &str, help: &str, value: f64| {
        let gauge = Gauge::new(name, help)?;
        gauge.set(value);
        registry.register(Box::new(gauge))
    };
    let flag = |on: bool| if on { 1.0 } else { 0.0 };
    let system = &metrics.system;
    let failures = metrics.rollback_failures as f64;
    gauge(
        "policy_error_rate_5m",
        "Share of the decisions of the last five minutes in error, 0-1.",
        metrics.errors.error_rate,
    )?;
    gauge(
        "policy_rollback_failures",
        "Bundles in service whose automatic rollback failed, because nothing can take over.",
        failures,
    )?;
    gauge("policy_cost_24h", "What the decisions of the last 24 hours cost, USD.", metrics.cost_24h)?;
    gauge("policy_cost_budget", "What the decisions of 24 hours may cost, USD.", metrics.cost_budget)?;
    gauge("policy_paused", "Whether a safety pause is in force.", flag(system.paused))?;
    gauge("policy_evaluation_enabled", "Whether evaluation is on.", flag(system.enabled))?;
    let share = system.canary.as_ref().map_or(0, |canary| canary.canary_pct);
    gauge("policy_canary_pct", "The canary's share of traffic in percent; 0 without one.", f64::from(share))?;
    bundles(&registry, [system.stable.as_ref(), system.canary.as_ref()])?;
    if let Some(report) = &metrics.gates {
        let help = "Whether a quality gate of the canary passes; absent while that cannot be said yet.";
        let passed = GaugeVec::new(Opts::new("policy_canary_gate_passed", help), &["gate"])?;
        for gate in report.gates.iter().filter(|gate| gate.verdict != GateVerdict::Hold) {
            passed.with_label_values(&[gate.name.name()]).set(flag(gate.verdict == GateVerdict::Pass));
        }
        registry.register(Box::new(passed))?;
    }
    TextEncoder::new().encode_to_string(&registry.gather())
}

/// The bundles in service, and since when.
fn bundles(registry: &Registry, arms: [Option<&ServingBundle>; 2]) -> prometheus::Result<()> {
    let labels = ["id", "version", "state", "digest"];
    let info = GaugeVec::new(Opts::new("policy_bundle_info", "The bundles in service; always 1."), &labels)?;
    let help = "When a bundle entered the stage it is in, in seconds since 1970.";
    let since = GaugeVec::new(Opts::new("policy_bundle_stage_started_seconds", help), &["version"])?;
    for bundle in arms.into_iter().flatten() {
        let id = bundle.id.to_string();
        info.with_label_values(&[id.as_str(), &bundle.version, bundle.state.name(), &bundle.digest]).set(1.0);
        if let Some(started) = bundle.stage_started_at {
            since.with_label_values(&[bundle.version.as_str()]).set(started.unix_seconds() as f64);
        }
    }
    registry.register(Box::new(info))?;
    registry.register(Box::new(since))
}
