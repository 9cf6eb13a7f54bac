//! Bearer tokens.

use app::context::Caller;
use http::{HeaderMap, header};
use store::Store;

use crate::error::{ApiError, ApiResult};

/// The token of an `Authorization` header. `Some(None)` if the header is present but has no bearer token.
pub fn bearer(headers: &HeaderMap) -> Option<Option<&str>> {
    let value = headers.get(header::AUTHORIZATION)?;
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    Some(token.filter(|token| !token.is_empty()))
}

/// The holder of `token`.
///
/// # Errors
/// 401 when the token is unknown, expired or revoked.
pub async fn token_holder(store: &Store, token: &str) -> ApiResult<Caller> {
    store::tokens::authenticate(store, token).await?.ok_or_else(ApiError::unauthenticated).map(|holder| Caller {
        name: Some(holder.name),
        actor: Some(holder.actor),
        ..Caller::default()
    })
}
