//! `POST /policy/evaluate`: the hot path. It reads nothing from the database and answers after the log has the decision.

use std::sync::Arc;

use axum::{
    Json as Out, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::future::join_all;
use http::HeaderMap;
use lifecycle::{
    Timestamp,
    authority::Permission,
    decision::Record,
    problem::{Code, Problem},
};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;

use super::{
    input,
    problem::{Answer, Refusal},
};
use crate::{
    auth,
    live::{Question, Reply, Serving},
    state::AppState,
};

/// Most bytes of one question: a context of 64 KiB may be written with escapes.
const MOST_BYTES: usize = 512 * 1024;
/// Most bytes of a batch.
const MOST_BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Most questions of a batch.
const MOST_QUESTIONS: usize = 1_000;

/// Finds out by itself who is calling, from memory.
pub fn router() -> Router<AppState> {
    Router::new().route("/policy/evaluate", post(evaluate)).route("/policy/evaluate/batch", post(batch))
}

async fn evaluate(State(state): State<AppState>, request: Request) -> Answer<Response> {
    admit(&state, request.headers()).await?;
    let body = input::read_body(request, MOST_BYTES).await?;
    let question: Question = input::parse(&body)?;
    let serving = state.live.serving();
    let record = decide(&serving, question, "")?;
    let record = state.live.log.append(record).await.map_err(Problem::from)?;
    Ok(Out(Reply::new(&record, &serving)).into_response())
}

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Question>,
}

/// All or nothing is decided; each decision is logged for itself.
async fn batch(State(state): State<AppState>, request: Request) -> Answer<Response> {
    admit(&state, request.headers()).await?;
    let body = input::read_body(request, MOST_BATCH_BYTES).await?;
    let batch: Batch = input::parse(&body)?;
    if batch.requests.len() > MOST_QUESTIONS {
        let detail = format!("a batch may hold at most {MOST_QUESTIONS} requests, found {}", batch.requests.len());
        return Err(Refusal(Problem::new(Code::TooLarge, detail).with("limit", MOST_QUESTIONS as u64)));
    }
    let serving = state.live.serving();
    let records: Vec<Record> = batch
        .requests
        .into_iter()
        .enumerate()
        .map(|(index, question)| decide(&serving, question, &format!("/requests/{index}")))
        .collect::<Result<_, _>>()?;
    let logged = join_all(records.into_iter().map(|record| state.live.log.append(record))).await;
    let records: Vec<Arc<Record>> = logged.into_iter().collect::<Result<_, _>>().map_err(Problem::from)?;
    let replies: Vec<Reply<'_>> = records.iter().map(|record| Reply::new(record, &serving)).collect();
    Ok(Out(json!({ "decisions": replies })).into_response())
}

/// Lets callers with the permission pass. They are programs and come with a token, which is
/// remembered for a second; no browser session has this permission.
async fn admit(state: &AppState, headers: &HeaderMap) -> Answer<()> {
    let caller = match auth::bearer(headers) {
        Some(Some(token)) => state.live.tokens.caller(token).await?,
        _ => return Err(Refusal::unauthenticated()),
    };
    let actor = caller.actor.as_ref().ok_or_else(Refusal::unauthenticated)?;
    auth::require(actor, Permission::Evaluate)
}

fn decide(serving: &Serving, question: Question, at: &str) -> Answer<Record> {
    let now = Timestamp::from(OffsetDateTime::now_utc());
    Ok(crate::live::decide(serving, question, at, now)?)
}
