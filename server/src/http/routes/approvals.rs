//! `/policy/approvals`: what agents ask people, and what people decide.

use std::time::Duration;

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    response::Response,
    routing::{delete, get, post},
};
use lifecycle::{
    approval::{Request, Scope, Status, Verdict},
    authority::Actor,
    problem::Problem,
};
use policy::{Fault, limits::MAX_STRING_BYTES};
use serde::Deserialize;
use store::approvals::{Decision, Filter};
use tokio::time::{Instant, timeout_at};

use crate::{
    auth::SignedIn,
    error::{ApiError, ApiResult},
    http::{
        extract::{Json, Params},
        response::{List, created, to_list},
    },
    state::AppState,
};

/// The longest time that a poll waits, in seconds.
const LONGEST_WAIT: u64 = 60;
/// Polls of one caller that wait at a time.
pub const POLLS: usize = 100;

/// The routes of approval requests.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/policy/approvals", get(list).post(ask))
        .route("/policy/approvals/{approval_id}", get(show))
        .route("/policy/approvals/{approval_id}/actions", post(act))
        .route("/policy/approvals/{approval_id}/cancel", post(cancel))
        .route("/policy/approvals/scopes/{approval_id}", delete(revoke))
}

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<List> {
    let filter = Filter {
        status: params.named("status", "`pending`, `approved`, `denied`, `expired` or `cancelled`")?,
        waiting_for: params.flag("waiting_for_me")?.then_some(&actor),
        usable: params.flag("usable")?,
        rule: params.text("rule"),
        agent: params.text("agent"),
        limit: Some(params.limit()?),
        cursor: params.text("cursor"),
        ..Filter::default()
    };
    Ok(to_list("approvals", store::approvals::list(&state.store, &actor, &filter).await?))
}

#[derive(Deserialize)]
struct NewRequest {
    decision_id: String,
    #[serde(default)]
    on_behalf_of: Option<String>,
    #[serde(default)]
    session: Option<String>,
}

impl NewRequest {
    /// # Errors
    /// 422 with a pointer to each text that is empty, too long or holds the character NUL.
    fn check(&self) -> Result<(), Problem> {
        let texts = [("/on_behalf_of", &self.on_behalf_of), ("/session", &self.session)];
        let wrong = |text: &str| text.is_empty() || text.len() > MAX_STRING_BYTES || text.contains('\0');
        let faults = texts.into_iter().filter(|(_, text)| text.as_deref().is_some_and(wrong));
        let detail = format!("holds 1 to {MAX_STRING_BYTES} bytes, and no U+0000");
        let faults: Vec<Fault> = faults.map(|(pointer, _)| Fault::new(pointer, detail.clone())).collect();
        if faults.is_empty() { Ok(()) } else { Err(Problem::invalid_fields(faults)) }
    }
}

/// Asks people about a decision in the log.
async fn ask(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(body): Json<NewRequest>,
) -> ApiResult<Response> {
    body.check().map_err(ApiError)?;
    let serving = state.live.serving();
    let said = (body.on_behalf_of.as_deref(), body.session.as_deref());
    let rule = |decision: &_| serving.held_by(decision).cloned();
    let request = store::approvals::ask_for_decision(&state.store, &actor, &body.decision_id, said, rule).await?;
    Ok(created(&format!("/policy/approvals/{}", request.terms.id), Out(request)))
}

/// One request. With `wait`, the answer waits until the request is decided or ends, or until so many seconds are over.
async fn show(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Out<Request>> {
    let wait: u64 = params.parse("wait", "a number of seconds")?.unwrap_or(0);
    if wait > LONGEST_WAIT {
        let detail = format!("waits at most {LONGEST_WAIT} seconds");
        return Err(ApiError(Problem::invalid_field("/wait", detail)));
    }
    let read = async || store::approvals::get(&state.store, &actor, &id).await;
    let mut request = read().await?;
    if wait == 0 || request.status != Status::Pending {
        return Ok(Out(request));
    }
    let _open = state.approval_polls.begin(&name_of(&actor))?;
    let until = Instant::now() + Duration::from_secs(wait);
    let mut changes = state.live.approval_changes();
    let mut stopping = state.stopping.subscribe();
    while request.status == Status::Pending {
        // The request's own end is no change that anybody reports.
        let next = until.min(Instant::now() + until_expiry(&request));
        let woken = tokio::select! {
            woken = timeout_at(next, changes.changed()) => woken,
            _ = stopping.wait_for(|stopping| *stopping) => break,
        };
        request = read().await?;
        if woken.is_err() && Instant::now() >= until {
            break;
        }
    }
    Ok(Out(request))
}

/// How long the request still waits, and a moment more.
fn until_expiry(request: &Request) -> Duration {
    const MOMENT: Duration = Duration::from_millis(500);
    request.terms.expires_at.since(time::OffsetDateTime::now_utc().into()) + MOMENT
}

/// Each token and each session counts for itself.
fn name_of(actor: &Actor) -> String {
    actor.credential().unwrap_or_else(|| actor.name.clone())
}

#[derive(Deserialize)]
struct Act {
    decision: Verdict,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    scope: Scope,
}

async fn act(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
    Json(body): Json<Act>,
) -> ApiResult<Out<Request>> {
    let decision = Decision { verdict: body.decision, reason: body.reason, scope: body.scope };
    Ok(Out(store::approvals::act(&state.store, &actor, &id, decision).await?))
}

async fn cancel(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<Request>> {
    Ok(Out(store::approvals::cancel(&state.store, &actor, &id).await?))
}

async fn revoke(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<Request>> {
    Ok(Out(store::approvals::revoke(&state.store, &actor, &id).await?))
}
