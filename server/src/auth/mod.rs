//! Who is calling: the holder of a bearer token, or the person of a browser session. The answer is a
//! [`Caller`] in the request's extensions; what a caller may do is decided further in, by `lifecycle::authority`.

mod protect;
mod session;
mod sign_in_limit;

use app::context::Caller;
use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header, request::Parts};
use lifecycle::authority::{Actor, Permission, Via, authorize};
use store::{Store, sessions::PERSON_ID};
use tower_sessions::Session;

pub use protect::{add_headers, cross_origin, headers, panics};
pub use session::layer as session_layer;
pub use sign_in_limit::layer as sign_in_limit;

use crate::{
    http::problem::{ApiError, ApiResult},
    state::AppState,
};

/// The token of an `Authorization` header. `Some(None)` when the header is there and names none.
pub fn bearer(headers: &HeaderMap) -> Option<Option<&str>> {
    let value = headers.get(header::AUTHORIZATION)?;
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    Some(token.filter(|token| !token.is_empty()))
}

/// Finds out who is calling and puts a [`Caller`] into the request. Strangers pass, as callers without an actor; a
/// token that is no longer good does not.
pub async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let caller = match bearer(request.headers()) {
        // A request with a token is judged by its token alone: its cookies are not looked at.
        Some(Some(token)) => token_holder(&state.store, token).await,
        Some(None) => Err(ApiError::unauthenticated()),
        None => session_person(&state.store, request.extensions().get::<Session>()).await,
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Who holds `token`.
///
/// # Errors
/// 401 when it is unknown, expired or revoked.
pub async fn token_holder(store: &Store, token: &str) -> ApiResult<Caller> {
    store::tokens::authenticate(store, token)
        .await?
        .ok_or_else(ApiError::unauthenticated)
        .map(|holder| Caller { name: Some(holder.name), actor: Some(holder.actor) })
}

/// Whose session this is. Roles are read anew, so that taking one away works at once.
async fn session_person(store: &Store, session: Option<&Session>) -> ApiResult<Caller> {
    let Some(session) = session else { return Ok(Caller::default()) };
    let person_id = match session.get::<i64>(PERSON_ID).await {
        Ok(Some(person_id)) => person_id,
        Ok(None) => return Ok(Caller::default()),
        Err(error) => {
            tracing::warn!(%error, "a session cannot be read");
            return Err(ApiError::new(lifecycle::problem::Code::Unavailable, "sessions cannot be read at the moment"));
        }
    };
    let person = store::people::by_id(store, person_id).await?.filter(|person| person.enabled);
    Ok(person.map_or_else(Caller::default, |person| Caller {
        actor: Some(person.actor(Via::Session)),
        name: Some(person.name),
    }))
}

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

/// For answers that no use case of the store guards: they come from `lifecycle` alone.
///
/// # Errors
/// 403 with the permission and the roles that have it.
pub fn require(actor: &Actor, permission: Permission) -> ApiResult<()> {
    authorize(actor, permission).map(|_| ()).map_err(|denied| ApiError(store::Error::from(denied).into()))
}
