//! `POST /policy/evaluate`: the hot path. It reads nothing from the database and answers after the log has the decision.

use std::{sync::Arc, time::Instant};

use axum::{
    Json as Out, Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::future::join_all;
use http::{HeaderMap, HeaderValue, header};
use lifecycle::{
    authority::Permission,
    problem::{Code, Problem},
};
use policy::Timestamp;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;

use crate::{
    auth,
    error::{ApiError, ApiResult},
    evaluation::{self, Live, Made, Question, Reply},
    http::extract::read_body,
    json::parse,
    state::AppState,
};

/// Most bytes of one question: a context of 64 KiB may be written with escapes.
const MOST_BYTES: usize = 512 * 1024;
/// Most bytes of a batch.
const MOST_BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of an answer that is nothing out of the ordinary.
const USUAL_REPLY: usize = 1024;
/// Most questions of a batch.
const MOST_QUESTIONS: usize = 1_000;

/// Finds out by itself who is calling, from memory.
pub fn router() -> Router<AppState> {
    Router::new().route("/policy/evaluate", post(evaluate)).route("/policy/evaluate/batch", post(batch))
}

async fn evaluate(State(state): State<AppState>, request: Request) -> ApiResult<Response> {
    answer(&state.live, request).await
}

/// Answers one question.
///
/// # Errors
/// 401 and 403 without a token that may; 400, 413 and 422 for a body that makes no sense; 409 when its id stands for
/// another question in the log; 503 when it cannot be logged.
pub async fn answer(live: &Live, request: Request) -> ApiResult<Response> {
    let began = Instant::now();
    admit(live, request.headers()).await?;
    let body = read_body(request, MOST_BYTES).await?;
    let (serving, now) = (live.serving(), now());
    let made = match evaluation::decide_text(&serving, &body, now) {
        Some(made) => made,
        None => evaluation::decide(&serving, parse(&body)?, "", now)?,
    };
    let made = live.log.append(made).await.map_err(Problem::from)?;
    live.counts.decided(&made.record);
    let mut reply = Vec::with_capacity(USUAL_REPLY);
    serde_json::to_writer(&mut reply, &Reply::new(&made.record, &serving)).map_err(unwritable)?;
    let mut response = Response::new(Body::from(reply));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    live.counts.took(began.elapsed());
    Ok(response)
}

fn unwritable(error: serde_json::Error) -> ApiError {
    tracing::error!(%error, "an answer cannot be written");
    ApiError::new(Code::Internal, "something went wrong on the server; its log has the details")
}

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Question>,
}

/// All or nothing is decided; each decision is logged for itself.
async fn batch(State(state): State<AppState>, request: Request) -> ApiResult<Response> {
    let began = Instant::now();
    admit(&state.live, request.headers()).await?;
    let body = read_body(request, MOST_BATCH_BYTES).await?;
    let batch: Batch = parse(&body)?;
    if batch.requests.len() > MOST_QUESTIONS {
        let detail = format!("a batch may hold at most {MOST_QUESTIONS} requests, found {}", batch.requests.len());
        return Err(ApiError(Problem::new(Code::TooLarge, detail).with("limit", MOST_QUESTIONS as u64)));
    }
    let (serving, now) = (state.live.serving(), now());
    let made: Vec<Made> = batch
        .requests
        .into_iter()
        .enumerate()
        .map(|(index, question)| evaluation::decide(&serving, question, &format!("/requests/{index}"), now))
        .collect::<Result<_, _>>()?;
    let logged = join_all(made.into_iter().map(|made| state.live.log.append(made))).await;
    let made: Vec<Arc<Made>> = logged.into_iter().collect::<Result<_, _>>().map_err(Problem::from)?;
    made.iter().for_each(|made| state.live.counts.decided(&made.record));
    state.live.counts.took(began.elapsed());
    let replies: Vec<Reply<'_>> = made.iter().map(|made| Reply::new(&made.record, &serving)).collect();
    Ok(Out(json!({ "decisions": replies })).into_response())
}

/// Lets callers with the permission pass. They are programs and come with a token, which is
/// remembered for a second; no browser session has this permission.
async fn admit(live: &Live, headers: &HeaderMap) -> ApiResult<()> {
    let caller = match auth::bearer(headers) {
        Some(Some(token)) => live.tokens.caller(token).await?,
        _ => return Err(ApiError::unauthenticated()),
    };
    let actor = caller.actor.as_ref().ok_or_else(ApiError::unauthenticated)?;
    auth::require(actor, Permission::Evaluate)
}

fn now() -> Timestamp {
    OffsetDateTime::now_utc().into()
}
