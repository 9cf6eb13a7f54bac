//! `/incidents`: opening incidents, working on them, and their post-mortems.

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

use crate::{
    auth::SignedIn,
    error::ApiResult,
    http::{
        extract::{Json, OptionalJson, Params, if_match},
        response::{List, created, to_list, with_revision},
    },
    state::AppState,
};

/// The routes of incidents.
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

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<List> {
    let filter = Filter {
        status: params.named("status", "`open`, `acknowledged`, `mitigated`, `resolved` or `closed`")?,
        severity: params.named("severity", "`low`, `medium`, `high` or `critical`")?,
        bundle_id: params.parse("bundle_id", "a bundle's number")?,
        limit: Some(params.limit()?),
        cursor: params.text("cursor"),
    };
    Ok(to_list("incidents", store::incidents::list(&state.store, &actor, &filter).await?))
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

/// The body of a step, which may be missing.
#[derive(Debug, Default, Deserialize)]
struct Note {
    /// A note for the timeline: what was done, what was found.
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
    let post_mortem = store::incidents::post_mortem(&state.store, &actor, &id).await?;
    Ok(with_revision(post_mortem.revision, post_mortem))
}

async fn save_post_mortem(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(Text { markdown }): Json<Text>,
) -> ApiResult<Response> {
    let revision = if_match(&headers)?;
    let saved = store::incidents::save_post_mortem(&state.store, &actor, &id, revision, &markdown).await?;
    Ok(with_revision(saved.revision, saved))
}
