//! `/policy/bundles`: creating, reading, editing, cloning and withdrawing bundles.

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use http::HeaderMap;
use lifecycle::{
    bundle::Record,
    problem::{Code, Problem},
    review::Comparison,
};
use policy::bundle::Source;

use crate::{
    auth::SignedIn,
    error::{ApiError, ApiResult},
    http::{
        extract::{BundleId, LARGE, Params, Tree, if_match, parse_bundle_id},
        response::{List, created, to_list, with_revision},
    },
    state::AppState,
};

/// The routes of bundles.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/policy/bundles", get(list).post(create))
        .route("/policy/bundles/{id}", get(show).put(update))
        .route("/policy/bundles/{id}/clone", post(clone))
        .route("/policy/bundles/{id}/withdraw", post(withdraw))
        .route("/policy/bundles/{id}/diff/{other}", get(diff))
}

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<List> {
    let filter = store::bundles::Filter {
        active_only: params.flag("active_only")?,
        version: params.text("version"),
        state: params.named("state", "a bundle state such as `draft`, `in_review` or `active`")?,
        limit: Some(params.limit()?),
        cursor: params.text("cursor"),
    };
    // Rules can be long; a caller that needs only an overview leaves them out.
    let summary = params.convert("fields", "`summary`", |text| (text == "summary").then_some(()))?;
    if summary.is_some() {
        return Ok(to_list("bundles", store::bundles::summaries(&state.store, &actor, &filter).await?));
    }
    Ok(to_list("bundles", store::bundles::list(&state.store, &actor, &filter).await?))
}

async fn create(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Tree(document): Tree<LARGE>,
) -> ApiResult<Response> {
    let source = Source::read(document).map_err(Problem::invalid_fields)?;
    let record = store::bundles::create(&state.store, &actor, source).await?;
    Ok(created(&format!("/policy/bundles/{}", record.id), tagged(record)))
}

async fn show(State(state): State<AppState>, SignedIn(actor): SignedIn, BundleId(id): BundleId) -> ApiResult<Response> {
    Ok(tagged(store::bundles::get(&state.store, &actor, id).await?))
}

async fn update(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    BundleId(id): BundleId,
    headers: HeaderMap,
    Tree(document): Tree<LARGE>,
) -> ApiResult<Response> {
    let revision = revision(&headers)?;
    let source = Source::read(document).map_err(Problem::invalid_fields)?;
    Ok(tagged(store::bundles::update(&state.store, &actor, id, revision, source).await?))
}

async fn clone(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    BundleId(id): BundleId,
) -> ApiResult<Response> {
    let record = store::bundles::clone_draft(&state.store, &actor, id).await?;
    Ok(created(&format!("/policy/bundles/{}", record.id), tagged(record)))
}

async fn withdraw(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    BundleId(id): BundleId,
) -> ApiResult<Response> {
    Ok(tagged(store::bundles::withdraw(&state.store, &actor, id).await?))
}

/// The changes in bundle `id` compared with `other`, the older bundle.
async fn diff(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path((id, other)): Path<(String, String)>,
) -> ApiResult<Out<Comparison>> {
    let (id, other) = (parse_bundle_id(&id)?, parse_bundle_id(&other)?);
    Ok(Out(store::bundles::diff(&state.store, &actor, id, other).await?))
}

/// A bundle with its etag.
fn tagged(record: Record) -> Response {
    with_revision(record.revision, record)
}

/// The revision that an edit was made on.
fn revision(headers: &HeaderMap) -> ApiResult<i64> {
    let missing = "send the bundle's etag in `If-Match`, so that nobody's edit is overwritten unseen";
    if_match(headers)?.ok_or_else(|| ApiError::new(Code::PreconditionRequired, missing))
}
