//! A bundle's number in a path.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use crate::error::ApiError;

/// The number of a bundle in the path `{id}`.
#[derive(Debug, Clone, Copy)]
pub struct BundleId(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for BundleId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| ApiError::not_found("such bundle"))?;
        parse_bundle_id(&text).map(Self)
    }
}

/// Parses the number of a bundle.
///
/// # Errors
/// 404 when `text` is not a number: no bundle is named like that.
pub fn parse_bundle_id(text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(format_args!("bundle `{text}`: bundles are numbered")))
}
