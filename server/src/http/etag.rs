//! Revisions as etags: who edits says what was edited, so that nobody's work is overwritten unseen.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use lifecycle::problem::Code;
use serde::Serialize;

use super::problem::{ApiError, ApiResult};

/// A body with its revision as etag.
pub fn with_etag(revision: i64, body: impl Serialize) -> Response {
    let mut response = Json(body).into_response();
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// The revision in `If-Match`, when there is one.
///
/// # Errors
/// 412 when it is no etag of ours.
pub fn if_match(headers: &HeaderMap) -> ApiResult<Option<i64>> {
    let Some(given) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let revision = given.to_str().ok().and_then(|text| text.trim().trim_matches('"').parse().ok());
    revision.map(Some).ok_or_else(|| {
        ApiError::new(
            Code::PreconditionFailed,
            "`If-Match` does not hold an etag that was answered here, such as `\"3\"`",
        )
    })
}
