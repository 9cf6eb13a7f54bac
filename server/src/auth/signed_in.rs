//! The caller of a handler, and what the caller may do.

use app::context::Caller;
use axum::extract::FromRequestParts;
use http::request::Parts;
use lifecycle::authority::{Actor, Permission, authorize};

use crate::error::{ApiError, ApiResult};

/// The authenticated caller of an API request.
#[derive(Debug, Clone)]
pub struct SignedIn(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Caller>()
            .and_then(|caller| caller.actor.clone())
            .map(Self)
            .ok_or_else(ApiError::unauthenticated)
    }
}

/// Checks a permission where no use case of the store does: for answers that come from `policy` or `lifecycle` alone.
///
/// # Errors
/// 403 with the permission and the roles that have it.
pub fn require(actor: &Actor, permission: Permission) -> ApiResult<()> {
    authorize(actor, permission).map(|_| ()).map_err(|denied| ApiError(store::Error::from(denied).into()))
}
