//! `/policy/audit`: who decided what, whether anybody changed it since, and all of it as a file.

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

use super::{
    decisions::time_parameter,
    input::Params,
    page::{Listed, listed},
    problem::ApiResult,
};
use crate::{auth::SignedIn, state::AppState};

/// The audit record.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/policy/audit", get(list))
        .route("/policy/audit/verify", get(verify))
        .route("/policy/audit/export", get(export))
}

/// A broken chain is an answer, not an error: `valid` is false and `first_bad` names the entry.
async fn verify(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Verdict>> {
    Ok(Out(store::audit::verify(&state.store, &actor).await?))
}

/// One line of JSON an entry, oldest first, and a signed checkpoint as the last line. When the database goes away in the
/// middle the answer is cut off, which the missing checkpoint shows.
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

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<Listed> {
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
        since: time_parameter(&params, "since")?,
        until: time_parameter(&params, "until")?,
        oldest_first: oldest_first.unwrap_or_default(),
        limit: Some(params.limit()?),
        cursor: params.text("cursor"),
    };
    Ok(listed("entries", store::audit::list(&state.store, &actor, &filter).await?))
}
