//! `POST /policy/evaluate`: the hot path. It reads nothing from the database and answers once the decision is logged.

use std::{sync::Arc, time::Instant};

use app::context::Caller;
use axum::{
    Json as Out, Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::future::join_all;
use http::{Extensions, HeaderMap, HeaderValue, header};
use lifecycle::{
    authority::{Actor, Credential, Permission},
    problem::{Code, Problem},
};
use policy::{Timestamp, engine::evaluation::ErrorCode};
use serde::Deserialize;
use serde_json::json;
use store::refusals::Refusals;
use time::OffsetDateTime;
use tokio::sync::Semaphore;

use crate::{
    auth,
    error::{ApiError, ApiResult},
    evaluation::{self, Concluded, EvaluationRequest, EvaluationResponse, EvaluationService, PendingDecision, Wants},
    http::extract::{read_body, require_known_query},
    json::parse,
    rate_limits::Kind,
    state::AppState,
};

/// Maximum bytes of one request: a context of 64 KiB may be written with escapes.
const MAX_BYTES: usize = 512 * 1024;
/// Maximum bytes of a batch.
const MAX_BATCH_BYTES: usize = 8 * 1024 * 1024;
/// A size in bytes that nearly every answer fits in.
const USUAL_RESPONSE: usize = 1024;
/// How many requests of one batch may use an approval or ask for one at a time: others have single requests.
const APPROVALS_AT_A_TIME: usize = 2;
/// Maximum number of requests in a batch.
const MAX_REQUESTS: usize = 1_000;

/// The routes. They authenticate callers themselves, from memory.
pub fn router() -> Router<AppState> {
    Router::new().route("/policy/evaluate", post(evaluate)).route("/policy/evaluate/batch", post(batch))
}

async fn evaluate(State(state): State<AppState>, request: Request) -> ApiResult<Response> {
    answer(&state.live, request).await
}

/// Answers one request.
///
/// # Errors
/// 401 and 403 without a token that has the permission, and for an agent outside its patterns; 400, 413 and 422 for an
/// invalid body; 409 when the request's id belongs to another question in the log; 503 when the decision cannot be logged.
pub async fn answer(service: &EvaluationService, request: Request) -> ApiResult<Response> {
    let began = Instant::now();
    let asker = EvaluationCaller::of(service, request.headers(), request.extensions()).await?;
    require_known_query(request.uri())?;
    let body = read_body(request, MAX_BYTES).await?;
    let (serving, now) = (service.serving(), now());
    let (mut pending, wants) = match evaluation::decide_body(&serving, &body, now) {
        Some(pending) => (pending, Wants::default()),
        None => {
            let request: EvaluationRequest = parse(&body)?;
            let wants = request.wants();
            (evaluation::decide_tree(&serving, request, "", now)?, wants)
        }
    };
    asker.claim(&mut pending, "")?;
    let Concluded { logged, approval } =
        evaluation::conclude(service, asker.actor()?, pending, &wants, &serving).await?;
    service.metrics.record_decision(&logged.record);
    let mut text = Vec::with_capacity(USUAL_RESPONSE);
    serde_json::to_writer(&mut text, &EvaluationResponse::new(&logged.record, approval.as_ref(), &serving))
        .map_err(unwritable)?;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    service.metrics.record_duration(began.elapsed());
    Ok(response)
}

fn unwritable(error: serde_json::Error) -> ApiError {
    tracing::error!(%error, "an answer cannot be written");
    ApiError::new(Code::Internal, "something went wrong on the server; its log has the details")
}

#[derive(Deserialize)]
struct Batch {
    requests: Vec<EvaluationRequest>,
}

/// Decides all requests of a batch or none; each decision is logged separately.
async fn batch(State(state): State<AppState>, request: Request) -> ApiResult<Response> {
    let (service, began) = (&state.live, Instant::now());
    let asker = EvaluationCaller::of(service, request.headers(), request.extensions()).await?;
    require_known_query(request.uri())?;
    let body = read_body(request, MAX_BATCH_BYTES).await?;
    let batch: Batch = parse(&body)?;
    if batch.requests.len() > MAX_REQUESTS {
        let detail = format!("a batch may hold at most {MAX_REQUESTS} requests, found {}", batch.requests.len());
        return Err(ApiError(Problem::new(Code::TooLarge, detail).with("limit", MAX_REQUESTS as u64)));
    }
    if let Some(number) = asker.token {
        // The first one was counted with the request.
        service.limits.decisions(number, batch.requests.len().saturating_sub(1))?;
    }
    let (serving, now) = (service.serving(), now());
    let pending: Vec<(PendingDecision, Wants)> = batch
        .requests
        .into_iter()
        .enumerate()
        .map(|(index, request)| {
            let at = format!("/requests/{index}");
            let wants = request.wants();
            let mut pending = evaluation::decide_tree(&serving, request, &at, now)?;
            asker.claim(&mut pending, &at)?;
            Ok((pending, wants))
        })
        .collect::<Result<_, Problem>>()?;
    let actor = asker.actor()?;
    let turns = Semaphore::new(APPROVALS_AT_A_TIME);
    let conclude = async |(pending, wants): (PendingDecision, Wants)| {
        let _turn = if wants.anything() { turns.acquire().await.ok() } else { None };
        evaluation::conclude(service, actor, pending, &wants, &serving).await
    };
    let concluded = join_all(pending.into_iter().map(conclude)).await;
    let concluded: Vec<Concluded> = concluded.into_iter().collect::<Result<_, _>>()?;
    concluded.iter().for_each(|one| service.metrics.record_decision(&one.logged.record));
    service.metrics.record_duration(began.elapsed());
    let responses: Vec<EvaluationResponse<'_>> = concluded
        .iter()
        .map(|one| EvaluationResponse::new(&one.logged.record, one.approval.as_ref(), &serving))
        .collect();
    Ok(Out(json!({ "decisions": responses })).into_response())
}

/// A caller with the permission. Such callers are programs and come with a token, which is remembered for a second; no
/// browser session has this permission.
struct EvaluationCaller {
    caller: Arc<Caller>,
    refusals: Arc<Refusals>,
    /// The number of the token.
    token: Option<i64>,
}

impl EvaluationCaller {
    async fn of(service: &EvaluationService, headers: &HeaderMap, extensions: &Extensions) -> ApiResult<Self> {
        let caller = match auth::bearer(headers) {
            Some(Some(token)) => {
                let admit = || service.limits.caller(None, &auth::network(extensions), Kind::Usual);
                service.tokens.caller(token, admit).await?
            }
            _ => return Err(ApiError::unauthenticated()),
        };
        let actor = caller.actor.as_ref().ok_or_else(ApiError::unauthenticated)?;
        if let Err(refused) = auth::require(actor, Permission::Evaluate) {
            service.refusals.note_access(&actor.name, actor.credential().as_deref(), "POST /policy/evaluate");
            return Err(refused);
        }
        let token = match actor.pass.credential {
            Some(Credential::Token(number)) => Some(number),
            _ => None,
        };
        if let Some(number) = token {
            service.limits.decisions(number, 1)?;
        }
        Ok(Self { token, caller, refusals: Arc::clone(&service.refusals) })
    }

    fn actor(&self) -> ApiResult<&Actor> {
        self.caller.actor.as_ref().ok_or_else(ApiError::unauthenticated)
    }

    /// Notes that this token asked for the decision, which is not logged yet. `at` is the request's JSON Pointer.
    ///
    /// # Errors
    /// `forbidden` when the token's patterns do not cover the agent. What is no name is covered by none: it is denied and
    /// recorded like everybody's, so that the attempt is seen.
    fn claim(&self, pending: &mut PendingDecision, at: &str) -> Result<(), Problem> {
        let actor = self.caller.actor.as_ref();
        let is_no_name =
            pending.record.errors.iter().any(|error| error.code == ErrorCode::InvalidName && error.field == "agent");
        if !is_no_name && !actor.is_some_and(|actor| actor.pass.covers(&pending.record.agent)) {
            let name = actor.map(|actor| actor.name.as_str()).unwrap_or_default();
            let credential = actor.and_then(Actor::credential);
            let asked = format!("POST /policy/evaluate for {}", pending.record.agent);
            self.refusals.note_access(name, credential.as_deref(), &asked);
            let detail = format!(
                "this token may not ask for the agent `{}`: an administrator can make one whose patterns cover it",
                pending.record.agent
            );
            return Err(Problem::new(Code::Forbidden, detail).with("pointer", format!("{at}/agent")));
        }
        pending.record.asked_by = self.token;
        Ok(())
    }
}

fn now() -> Timestamp {
    OffsetDateTime::now_utc().into()
}
