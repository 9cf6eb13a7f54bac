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
use prometheus::{Gauge, GaugeVec, IntCounter, IntCounterVec, Opts, Registry, TEXT_FORMAT, TextEncoder};
use store::metrics::WorkspaceMetrics;

use crate::{
    auth,
    error::{ApiError, ApiResult},
    http::extract::Params,
    state::AppState,
};

/// The window if the request names none.
const DEFAULT_WINDOW: &str = "5m";

/// The states of a gate, with their labels.
const GATE_STATES: [(GateVerdict, &str); 3] =
    [(GateVerdict::Pass, "pass"), (GateVerdict::Hold, "hold"), (GateVerdict::Fail, "fail")];

/// The routes of metrics.
pub fn router() -> Router<AppState> {
    Router::new().route("/metrics", get(metrics)).route("/metrics/errors", get(errors))
}

/// `/metrics` for a listener of its own.
pub fn open_router() -> Router<AppState> {
    Router::new().route("/metrics", get(answer))
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
    answer(State(state)).await
}

/// Says how the server is doing also while the database does not say how the workspace is.
async fn answer(State(state): State<AppState>) -> ApiResult<Response> {
    let metrics = state.metrics.read(&state.store).await;
    let text = render(metrics.as_deref(), &state).map_err(|error| {
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
fn render(metrics: Option<&WorkspaceMetrics>, state: &AppState) -> prometheus::Result<String> {
    let refusals = &state.live.refusals;
    let registry = Registry::new();
    state.live.metrics.register(&registry)?;
    server(&registry, state, metrics.is_some())?;
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
    if let Some(metrics) = metrics {
        workspace(&registry, metrics)?;
    }
    TextEncoder::new().encode_to_string(&registry.gather())
}

/// How the workspace is doing.
fn workspace(registry: &Registry, metrics: &WorkspaceMetrics) -> prometheus::Result<()> {
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
    let waiting = metrics.approvals_waiting as f64;
    gauge("policy_approvals_waiting", "Calls of agents that wait for people.", waiting)?;
    gauge(
        "policy_approval_wait_seconds",
        "Seconds for which the oldest call of an agent has waited for people; 0 without one.",
        metrics.approval_wait_seconds,
    )?;
    gauge("policy_cost_24h", "What the decisions of the last 24 hours cost, USD.", metrics.cost_24h)?;
    gauge("policy_cost_budget", "What the decisions of 24 hours may cost, USD.", metrics.cost_budget)?;
    gauge("policy_paused", "Whether a safety pause is in force.", flag(system.paused))?;
    gauge("policy_evaluation_enabled", "Whether evaluation is on.", flag(system.enabled))?;
    let share = system.canary.as_ref().map_or(0, |canary| canary.canary_pct);
    gauge("policy_canary_pct", "The canary's share of traffic in percent; 0 without one.", f64::from(share))?;
    bundles(registry, [system.stable.as_ref(), system.canary.as_ref()])?;
    if let Some(report) = &metrics.gates {
        let help = "Whether a quality gate of the canary passes; absent while that cannot be said yet.";
        let passed = GaugeVec::new(Opts::new("policy_canary_gate_passed", help), &["gate"])?;
        for gate in report.gates.iter().filter(|gate| gate.verdict != GateVerdict::Hold) {
            passed.with_label_values(&[gate.name.name()]).set(flag(gate.verdict == GateVerdict::Pass));
        }
        registry.register(Box::new(passed))?;
        let help = "The state of each quality gate of the canary: 1 for the one it is in.";
        let states = GaugeVec::new(Opts::new("policy_canary_gate_state", help), &["gate", "state"])?;
        for gate in &report.gates {
            for (state, name) in GATE_STATES {
                states.with_label_values(&[gate.name.name(), name]).set(flag(gate.verdict == state));
            }
        }
        registry.register(Box::new(states))?;
    }
    Ok(())
}

/// How this server itself is doing.
fn server(registry: &Registry, state: &AppState, database_answers: bool) -> prometheus::Result<()> {
    let build = GaugeVec::new(Opts::new("policy_build_info", "The release of this server; always 1."), &["version"])?;
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
    registry.register(Box::new(build))?;
    let silent = Opts::new("policy_loop_silent_seconds", "Seconds since the last heartbeat of a loop of this server.");
    let silent = GaugeVec::new(silent, &["loop"])?;
    let alive = Opts::new("policy_loop_alive", "Whether the last heartbeat of a loop of this server is recent.");
    let alive = GaugeVec::new(alive, &["loop"])?;
    let restarts = Opts::new("policy_loop_restarts_total", "How often a loop of this server was started again.");
    let restarts = IntCounterVec::new(restarts, &["loop"])?;
    for found in state.heartbeats.read() {
        silent.with_label_values(&[found.name]).set(found.silent_seconds as f64);
        alive.with_label_values(&[found.name]).set(f64::from(u8::from(found.alive)));
        restarts.with_label_values(&[found.name]).inc_by(found.restarts);
    }
    registry.register(Box::new(silent))?;
    registry.register(Box::new(alive))?;
    registry.register(Box::new(restarts))?;
    let (heavy, brief) = (state.store.heavy().load(), state.store.brief().load());
    for (name, help, value) in [
        (
            "policy_heavy_work_running",
            "Proofs, replays and comparisons that run.",
            (heavy.running + brief.running) as f64,
        ),
        (
            "policy_heavy_work_waiting",
            "Proofs, replays and comparisons that wait for their turn.",
            (heavy.waiting + brief.waiting) as f64,
        ),
        ("policy_open_streams", "Pages that follow changes as they happen.", state.events.streams.count() as f64),
        (
            "policy_spilled_bytes",
            "Bytes of decisions that wait on this server's disk for the database.",
            state.live.log.spilled_bytes() as f64,
        ),
        ("policy_decision_queue", "Decisions that wait to be written to the log.", state.live.log.queued() as f64),
        (
            "policy_database_up",
            "Whether the database answered; without it there are no metrics of the workspace.",
            f64::from(u8::from(database_answers)),
        ),
        (
            "policy_degraded",
            "Whether decisions are buffered on disk because the database is away.",
            f64::from(u8::from(state.live.log.is_buffering())),
        ),
    ] {
        let gauge = Gauge::new(name, help)?;
        gauge.set(value);
        registry.register(Box::new(gauge))?;
    }
    for (name, help, count) in [
        (
            "policy_heavy_work_refused_total",
            "Proofs, replays and comparisons refused because too many waited.",
            heavy.refused + brief.refused,
        ),
        (
            "policy_rate_limited_total",
            "Requests refused because their caller or source asked too often.",
            state.limits.refused(),
        ),
    ] {
        let counter = IntCounter::new(name, help)?;
        counter.inc_by(count);
        registry.register(Box::new(counter))?;
    }
    Ok(())
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
