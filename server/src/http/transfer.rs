//! `/policy/bundles/{id}/export`, `/policy/bundles/verify` and `/policy/bundles/import`: bundles that travel between
//! instances as signed files.

use axum::{
    Json as Out, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderValue, header};
use lifecycle::{
    problem::Problem,
    transfer::{Export, Upload, Verdict, Verification, export},
};
use policy::json;
use serde_json::Value;

use super::{
    created::created,
    input::{self, BundleId, Params},
    problem::{ApiError, ApiResult},
};
use crate::{auth::SignedIn, state::AppState};

/// Most bytes of a file: the largest bundle, and its envelope.
const FILE: usize = input::LARGE + input::SMALL;

/// Bundles on the move.
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
    let export = store::bundles::export(&state.store, &actor, id, hours(&params)?).await?;
    Ok(file(&export))
}

/// The same bytes, as a file to save.
async fn download(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    BundleId(id): BundleId,
    params: Params,
) -> ApiResult<Response> {
    let export = store::bundles::export(&state.store, &actor, id, hours(&params)?).await?;
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

/// The export in the very form that is signed. It is made anew each time, so nothing on the way may keep it.
fn file(export: &Export) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, export.to_text()).into_response()
}

fn hours(params: &Params) -> ApiResult<u32> {
    let (least, most) = (export::HOURS.start(), export::HOURS.end());
    let wanted = format!("whole hours from {least} to {most}");
    let hours =
        params.convert("expiry_hours", &wanted, |text| text.parse().ok().filter(|h| export::HOURS.contains(h)))?;
    Ok(hours.unwrap_or(export::DEFAULT_HOURS))
}

/// Judges a file. A refused one is an answer, not an error; only what is no JSON has nothing to be judged.
async fn verify(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    request: Request,
) -> ApiResult<Out<Verification>> {
    let upload = upload(request).await?;
    Ok(Out(store::bundles::verify(&state.store, &actor, upload.document).await?))
}

/// Imports a file as a draft; with `?dry_run=true` it says what that would do.
async fn import(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    params: Params,
    request: Request,
) -> ApiResult<Response> {
    // A wish may stand in the address too: the file is then sent as it is.
    let (renamed, unsigned) = (params.text("import_as_version"), params.flag("unsigned")?);
    let upload = upload(request).await?;
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

async fn upload(request: Request) -> ApiResult<Upload> {
    let bytes = input::read_body(request, FILE).await?;
    // A name that is used twice would leave open what was signed.
    let json::Document(body) = input::parse(&bytes).map_err(|ApiError(problem): ApiError| {
        ApiError(problem.with("verdict", Verdict::Malformed.name()).with("valid", false))
    })?;
    Upload::parse(body).map_err(|problem: Problem| ApiError(problem))
}
