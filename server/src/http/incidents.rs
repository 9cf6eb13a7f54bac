//! `/incidents`: something went wrong with a policy and somebody has to look.

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use http::HeaderMap;
use lifecycle::{
    authority::Actor,
    incident::{Incident, Step},
};
use serde::Deserialize;
use store::incidents::{Filter, NewIncident};

use super::{
    created::created,
    etag::{if_match, with_etag},
    input::{Json, OptionalJson, Params},
    page::{Listed, listed},
    problem::ApiResult,
};
use crate::{auth::SignedIn, state::AppState};

/// The incident resource.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/incidents", get(list).post(create))
        .route("/incidents/{id}", get(show))
        .route("/incidents/{id}/ack", post(acknowledge))
        .route("/incidents/{id}/mitigate", post(mitigate))
        .route("/incidents/{id}/resolve", post(resolve))
        .route("/incidents/{id}/close", post(close))
        .route("/incidents/{id}/post-mortem", get(post_mortem).put(save_post_mortem))
}

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<Listed> {
    let filter = Filter {
        status: params.named("status", "`open`, `acknowledged`, `mitigated`, `resolved` or `closed`")?,
        severity: params.named("severity", "`low`, `medium`, `high` or `critical`")?,
        bundle_id: params.parse("bundle_id", "a bundle's number")?,
        limit: Some(params.limit()?),
        cursor: params.text("cursor"),
    };
    Ok(listed("incidents", store::incidents::list(&state.store, &actor, &filter).await?))
}

async fn create(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(new): Json<NewIncident>,
) -> ApiResult<Response> {
    let incident = store::incidents::create(&state.store, &actor, new).await?;
    Ok(created(&format!("/incidents/{}", incident.id), Out(incident)))
}

async fn show(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<Incident>> {
    Ok(Out(store::incidents::get(&state.store, &actor, &id).await?))
}

/// The body of a step, which may be left out.
#[derive(Debug, Default, Deserialize)]
struct Note {
    /// For the timeline: what was done, what was found.
    note: Option<String>,
}

async fn acknowledge(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
    OptionalJson(note): OptionalJson<Note>,
) -> ApiResult<Out<Incident>> {
    advance(&state, &actor, &id, Step::Acknowledge, note).await
}

async fn mitigate(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
    OptionalJson(note): OptionalJson<Note>,
) -> ApiResult<Out<Incident>> {
    advance(&state, &actor, &id, Step::Mitigate, note).await
}

async fn resolve(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
    OptionalJson(note): OptionalJson<Note>,
) -> ApiResult<Out<Incident>> {
    advance(&state, &actor, &id, Step::Resolve, note).await
}

async fn close(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
    OptionalJson(note): OptionalJson<Note>,
) -> ApiResult<Out<Incident>> {
    advance(&state, &actor, &id, Step::Close, note).await
}

async fn advance(
    state: &AppState,
    actor: &Actor,
    id: &str,
    step: Step,
    note: Option<Note>,
) -> ApiResult<Out<Incident>> {
    let note = note.and_then(|body| body.note);
    Ok(Out(store::incidents::advance(&state.store, actor, id, step, note.as_deref()).await?))
}

/// The body of `PUT /incidents/{id}/post-mortem`.
#[derive(Debug, Deserialize)]
struct Text {
    markdown: String,
}

async fn post_mortem(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let it = store::incidents::post_mortem(&state.store, &actor, &id).await?;
    Ok(with_etag(it.revision, it))
}

async fn save_post_mortem(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(Text { markdown }): Json<Text>,
) -> ApiResult<Response> {
    let on = if_match(&headers)?;
    let it = store::incidents::save_post_mortem(&state.store, &actor, &id, on, &markdown).await?;
    Ok(with_etag(it.revision, it))
}
