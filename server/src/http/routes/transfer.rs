//! `/policy/bundles/{id}/export`, `/policy/bundles/verify` and `/policy/bundles/import`: bundles that are exchanged
//! between instances as signed files.

use axum::{
    Json as Out, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderValue, header};
use lifecycle::{
    authority::Actor,
    problem::Problem,
    transfer::{Algorithm, Export, Upload, Verdict, Verification, export},
};
use policy::json;
use serde_json::Value;

use crate::{
    auth::SignedIn,
    error::ApiResult,
    http::{
        extract::{BundleId, LARGE, Params, SMALL, read_body},
        response::created,
    },
    state::AppState,
};

/// Maximum bytes of a file: the largest bundle, and its envelope.
const MAX_FILE_BYTES: usize = LARGE + SMALL;

/// The routes of export, verification and import.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/policy/bundles/{id}/export", get(show))
        .route("/policy/bundles/{id}/export/download", get(download))
        .route("/policy/bundles/verify", post(verify))
        .route("/policy/bundles/import", post(import))
}

async fn show(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    BundleId(id): BundleId,
    params: Params,
) -> ApiResult<Response> {
    let export = export_bundle(&state, &actor, id, &params).await?;
    Ok(file(&export))
}

/// The export as a file to save.
async fn download(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    BundleId(id): BundleId,
    params: Params,
) -> ApiResult<Response> {
    let export = export_bundle(&state, &actor, id, &params).await?;
    let version = export.bundle.get("version").and_then(Value::as_str).unwrap_or("draft");
    // A draft's version may be any text.
    let name: String =
        version.chars().map(|c| if c.is_ascii_alphanumeric() || ".-+_".contains(c) { c } else { '_' }).collect();
    let mut response = file(&export);
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"policy-bundle-{name}.json\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

async fn export_bundle(state: &AppState, actor: &Actor, id: i64, params: &Params) -> ApiResult<Export> {
    let algorithm = params.convert("algorithm", "`hmac-sha256` or `ed25519`", |text| text.parse::<Algorithm>().ok())?;
    let (algorithm, hours) = (algorithm.unwrap_or_default(), hours(params)?);
    Ok(store::bundles::export_with(&state.store, actor, algorithm, id, hours).await?)
}

/// The export in the form that is signed. Every export is signed anew, so no cache may store it.
fn file(export: &Export) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, export.to_text()).into_response()
}

fn hours(params: &Params) -> ApiResult<u32> {
    let (least, most) = (export::HOURS.start(), export::HOURS.end());
    let expected = format!("whole hours from {least} to {most}");
    let hours =
        params.convert("expiry_hours", &expected, |text| text.parse().ok().filter(|h| export::HOURS.contains(h)))?;
    Ok(hours.unwrap_or(export::DEFAULT_HOURS))
}

/// Verifies a file. A refused file is an answer, not an error; only a file that is not JSON is an error.
async fn verify(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    request: Request,
) -> ApiResult<Out<Verification>> {
    let upload = upload(&state, &actor, request).await?;
    Ok(Out(store::bundles::verify(&state.store, &actor, upload.document).await?))
}

/// Imports a file as a draft; with `?dry_run=true` it only previews the import.
async fn import(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    params: Params,
    request: Request,
) -> ApiResult<Response> {
    // Options may be in the query string too, so that a file can be sent unchanged.
    let (renamed, unsigned) = (params.text("import_as_version"), params.flag("unsigned")?);
    let upload = upload(&state, &actor, request).await?;
    let upload = Upload {
        import_as_version: renamed.or(upload.import_as_version),
        unsigned: unsigned || upload.unsigned,
        ..upload
    };
    if params.flag("dry_run")? {
        return Ok(Out(store::bundles::preview_import(&state.store, &actor, upload).await?).into_response());
    }
    let imported = store::bundles::import(&state.store, &actor, upload).await?;
    Ok(created(&format!("/policy/bundles/{}", imported.bundle.id), Out(imported)))
}

async fn upload(state: &AppState, actor: &Actor, request: Request) -> ApiResult<Upload> {
    let bytes = read_body(request, MAX_FILE_BYTES).await?;
    // With a duplicate member it would be unclear which one was signed.
    let parsed = state.store.heavy().run(&actor.name, move || json::parse(&bytes)).await?;
    let body = parsed.map_err(|malformed| {
        Problem::from(malformed).with("verdict", Verdict::Malformed.name()).with("valid", false)
    })?;
    Ok(Upload::parse(body)?)
}
