//! The middleware that identifies the caller.

use app::context::Caller;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use lifecycle::{authority::Via, problem::Code};
use store::{Store, sessions::PERSON_ID};
use tower_sessions::Session;

use super::token::{bearer, token_holder};
use crate::error::{ApiError, ApiResult};

/// Puts a [`Caller`] into the request. Anonymous requests pass, as callers without an actor; a request with an invalid
/// token is refused.
pub async fn identify(State(store): State<Store>, mut request: Request, next: Next) -> Response {
    let caller = match bearer(request.headers()) {
        // A request with a token is judged by the token alone; its cookies are ignored.
        Some(Some(token)) => token_holder(&store, token).await,
        Some(None) => Err(ApiError::unauthenticated()),
        None => session_person(&store, request.extensions().get::<Session>()).await,
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

/// The person of a session. Their roles are read for every request, so that revoking a role takes effect at once.
async fn session_person(store: &Store, session: Option<&Session>) -> ApiResult<Caller> {
    let Some(session) = session else { return Ok(Caller::default()) };
    let person_id = match session.get::<i64>(PERSON_ID).await {
        Ok(Some(person_id)) => person_id,
        Ok(None) => return Ok(Caller::default()),
        Err(error) => {
            tracing::warn!(%error, "a session cannot be read");
            return Err(ApiError::new(Code::Unavailable, "sessions cannot be read at the moment"));
        }
    };
    let person = store::people::by_id(store, person_id).await?.filter(|person| person.enabled);
    Ok(person.map_or_else(Caller::default, |person| Caller {
        actor: Some(person.actor(Via::Session)),
        name: Some(person.name),
    }))
}
