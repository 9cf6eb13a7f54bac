//! `/policy/audit`: the audit record, its verification, and its export.

use axum::{
    Json as Out, Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use futures::stream;
use http::header;
use lifecycle::audit::Verdict;
use store::audit::Filter;

use crate::{
    auth::SignedIn,
    error::ApiResult,
    http::{
        extract::Params,
        response::{List, to_list},
    },
    state::AppState,
};

/// The routes of the audit record.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/policy/audit", get(list))
        .route("/policy/audit/verify", get(verify))
        .route("/policy/audit/export", get(export))
}

/// Verifies the record. A broken chain is an answer, not an error: `valid` is false and `first_bad` names the entry.
async fn verify(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Verdict>> {
    Ok(Out(store::audit::verify(&state.store, &actor).await?))
}

/// Exports one line of JSON for each entry, oldest first, and a signed checkpoint as the last line. If the database
/// fails midway, the answer is cut off, which the missing checkpoint shows.
async fn export(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Response> {
    let export = store::audit::export(&state.store, &actor).await?;
    let lines = stream::try_unfold(export, |mut export| async move {
        let line = export.line().await.inspect_err(|error| tracing::error!(%error, "an export was cut off"))?;
        Ok::<_, store::Error>(line.map(|line| (line + "\n", export)))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"countersign-audit.jsonl\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<List> {
    let oldest_first = params.convert("order", "`newest` or `oldest`", |text| match text {
        "newest" => Some(false),
        "oldest" => Some(true),
        _ => None,
    })?;
    let filter = Filter {
        event_type: params.named("event_type", "a kind of event such as `applied` or `rolled_back`")?,
        actor: params.text("actor"),
        subject_type: params.text("subject_type"),
        subject_id: params.text("subject_id"),
        since: params.time("since")?,
        until: params.time("until")?,
        without_routine: false,
        oldest_first: oldest_first.unwrap_or_default(),
        limit: Some(params.limit()?),
        cursor: params.text("cursor"),
    };
    Ok(to_list("entries", store::audit::list(&state.store, &actor, &filter).await?))
}
