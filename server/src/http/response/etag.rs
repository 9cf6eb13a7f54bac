//! Etags: of revisions that are edited, and of content that is cached.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;

/// `body` as JSON, with `revision` as its etag.
pub fn with_revision(revision: i64, body: impl Serialize) -> Response {
    let mut response = Json(body).into_response();
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// Whether `If-None-Match` lists `etag`, so that the content need not be sent again. Etags are compared as written, so
/// a weak one matches only a weak one.
pub fn matches(request: &HeaderMap, etag: &str) -> bool {
    let listed = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    listed.is_some_and(|listed| listed.split(',').any(|listed| listed.trim() == etag))
}
