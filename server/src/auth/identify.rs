//! The middleware that identifies the caller.

use app::context::{AT_THE_PAGE, Caller};
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

/// The stream that every open page listens to.
const EVENTS: &str = "/events";

/// Says of an answer that its request was refused, where the status does not: after a plain form post.
#[derive(Debug, Clone, Copy)]
pub struct Refused;

/// Says of an answer that too many sign-ins came from its source.
#[derive(Debug, Clone, Copy)]
pub struct Throttled;

/// Puts a [`Caller`] into the request. Anonymous requests pass, as callers without an actor; a request with an invalid
/// token is refused. What the caller may not do is counted for the audit record.
pub async fn identify(State(store): State<Store>, mut request: Request, next: Next) -> Response {
    let caller = match bearer(request.headers()) {
        // A request with a token is judged by the token alone; its cookies are ignored.
        Some(Some(token)) => token_holder(&store, token).await,
        Some(None) => Err(ApiError::unauthenticated()),
        None => {
            let used = request.uri().path() != EVENTS && is_asked_by_a_person(request.headers());
            session_person(&store, request.extensions().get::<Session>(), request.headers(), used).await
        }
    };
    let caller = match caller {
        Ok(caller) => Caller { source: source::network(request.extensions()), ..caller },
        Err(error) => return error.into_response(),
    };
    let source = caller.source.clone();
    let asked = caller.actor.as_ref().map(|actor| {
        (actor.name.clone(), actor.credential(), format!("{} {}", request.method(), request.uri().path()))
    });
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    let refused = response.status() == StatusCode::FORBIDDEN || response.extensions().get::<Refused>().is_some();
    if let (Some((actor, credential, asked)), true) = (asked, refused) {
        store.refusals().note_access(&actor, credential.as_deref(), &asked);
    }
    if response.extensions().get::<Throttled>().is_some() {
        store.refusals().note_throttled(&source);
    }
    response
}

/// Whether a person asks, or a program: open pages fetch again by themselves, and a session that only they use is idle. A
/// browser says which requests a page's script makes, and the page whether its person is there.
fn is_asked_by_a_person(headers: &HeaderMap) -> bool {
    let by_script = headers.get("sec-fetch-mode").is_some_and(|mode| mode != "navigate");
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut names = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.split_once('='));
    !by_script || names.any(|(name, _)| name.trim() == AT_THE_PAGE)
}

/// The person of a session. Their roles are read for every request, so that revoking a role takes effect at once.
async fn session_person(
    store: &Store,
    session: Option<&Session>,
    headers: &HeaderMap,
    used: bool,
) -> ApiResult<Caller> {
    let Some(id) = session.and_then(Session::id) else { return Ok(Caller::default()) };
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match sessions::authenticate(store, &id, user_agent, used).await {
        Ok(Some(holder)) => Ok(Caller { actor: Some(holder.actor), name: Some(holder.name), ..Caller::default() }),
        Ok(None) => Ok(Caller::default()),
        Err(error) if error.is_unavailable() => {
            tracing::warn!(%error, "a session cannot be read");
            Err(ApiError::new(Code::Unavailable, "sessions cannot be read at the moment"))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_open_pages_fetch_by_themselves_is_asked_by_nobody() {
        for (mode, cookies, by_a_person) in [
            (None, "countersign_session=1", true),
            (Some("navigate"), "countersign_session=1", true),
            (Some("cors"), "countersign_session=1", false),
            (Some("same-origin"), "countersign_session=1; not_at_the_page=1", false),
            (Some("cors"), "countersign_session=1; at_the_page=1", true),
            (Some("cors"), "at_the_page=1", true),
            (Some("cors"), "", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(cookies));
            if let Some(mode) = mode {
                headers.insert("sec-fetch-mode", HeaderValue::from_static(mode));
            }
            assert_eq!(is_asked_by_a_person(&headers), by_a_person, "{mode:?} {cookies}");
        }
    }
}
