//! The middleware that identifies the caller.

use app::context::Caller;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use lifecycle::problem::Code;
use store::{Store, sessions};
use tower_sessions::Session;

use super::{
    source,
    token::{bearer, token_holder},
};
use crate::error::{ApiError, ApiResult};

/// Puts a [`Caller`] into the request. Anonymous requests pass, as callers without an actor; a request with an invalid
/// token is refused. What the caller may not do is counted for the audit record.
pub async fn identify(State(store): State<Store>, mut request: Request, next: Next) -> Response {
    let caller = match bearer(request.headers()) {
        // A request with a token is judged by the token alone; its cookies are ignored.
        Some(Some(token)) => token_holder(&store, token).await,
        Some(None) => Err(ApiError::unauthenticated()),
        None => session_person(&store, request.extensions().get::<Session>(), request.headers()).await,
    };
    let caller = match caller {
        Ok(caller) => Caller { source: source::network(request.extensions()), ..caller },
        Err(error) => return error.into_response(),
    };
    let asked = caller
        .actor
        .as_ref()
        .map(|actor| (actor.name.clone(), format!("{} {}", request.method(), request.uri().path())));
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    if let Some((actor, asked)) = asked
        && response.status() == StatusCode::FORBIDDEN
    {
        store.refusals().note_access(&actor, &asked);
    }
    response
}

/// The person of a session. Their roles are read for every request, so that revoking a role takes effect at once.
async fn session_person(store: &Store, session: Option<&Session>, headers: &HeaderMap) -> ApiResult<Caller> {
    let Some(id) = session.and_then(Session::id) else { return Ok(Caller::default()) };
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match sessions::authenticate(store, &id, user_agent).await {
        Ok(Some(holder)) => Ok(Caller { actor: Some(holder.actor), name: Some(holder.name), ..Caller::default() }),
        Ok(None) => Ok(Caller::default()),
        Err(error) if error.is_unavailable() => {
            tracing::warn!(%error, "a session cannot be read");
            Err(ApiError::new(Code::Unavailable, "sessions cannot be read at the moment"))
        }
        Err(error) => Err(error.into()),
    }
}
