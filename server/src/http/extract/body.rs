//! JSON bodies of a limited size.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
};
use bytes::Bytes;
use http::{HeaderMap, header};
use lifecycle::problem::{Code, Problem};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{error::ApiError, json};

/// Maximum bytes of a body that contains no bundle: 1 MiB.
pub const SMALL: usize = 1024 * 1024;
/// Maximum bytes of a body that may contain a bundle.
pub const LARGE: usize = policy::limits::MAX_BUNDLE_BYTES;

/// A JSON body of at most `LIMIT` bytes. The `Content-Type` is ignored: the runbook's `curl -d` lines send
/// `application/x-www-form-urlencoded`.
#[derive(Debug)]
pub struct Json<T, const LIMIT: usize = SMALL>(pub T);

impl<S: Sync, T: DeserializeOwned, const LIMIT: usize> FromRequest<S> for Json<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let bytes = read_body(request, LIMIT).await?;
        Ok(Self(json::parse(&bytes)?))
    }
}

/// A JSON body as a tree, for bodies that contain bundles: a bundle keeps the members that this program does not know.
#[derive(Debug)]
pub struct Tree<const LIMIT: usize>(pub Value);

impl<S: Sync, const LIMIT: usize> FromRequest<S> for Tree<LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let bytes = read_body(request, LIMIT).await?;
        Ok(Self(policy::json::parse(&bytes).map_err(Problem::from)?))
    }
}

/// A JSON body that may be missing, or `null`.
#[derive(Debug)]
pub struct OptionalJson<T, const LIMIT: usize = SMALL>(pub Option<T>);

impl<S: Sync, T: DeserializeOwned, const LIMIT: usize> FromRequest<S> for OptionalJson<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let bytes = read_body(request, LIMIT).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(None));
        }
        Ok(Self(json::parse(&bytes)?))
    }
}

/// Reads the whole body.
///
/// # Errors
/// 413 with the limit when the body is longer than `limit` bytes or the connection breaks.
pub async fn read_body(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    if content_length(request.headers()).is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    to_bytes(request.into_body(), limit).await.map_err(|_| too_large(limit))
}

/// 413: the body has more than `limit` bytes.
pub fn too_large(limit: usize) -> ApiError {
    let sentence = format!("the body may hold at most {} ({limit} bytes)", human_size(limit));
    ApiError(Problem::new(Code::TooLarge, sentence).with("limit_bytes", limit as u64))
}

/// The length of the body in bytes, as the caller states it.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn human_size(bytes: usize) -> String {
    if bytes >= 1024 * 1024 { format!("{} MiB", bytes / (1024 * 1024)) } else { format!("{} KiB", bytes / 1024) }
}
