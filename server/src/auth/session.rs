//! The session cookie, and sessions that begin at the sign-in provider.

use lifecycle::problem::Code;
use store::{
    Store,
    people::SignedIn,
    sessions::{ABSOLUTE, BEGUN, PERSON_ID, PgSessions},
};
use tower_sessions::{Expiry, Session, SessionManagerLayer, cookie::SameSite, session};

use crate::error::{ApiError, ApiResult};

/// Sessions stored in the database. Over plain HTTP (loopback only) browsers refuse `Secure` cookies, and with them the
/// `__Host-` prefix. The cookie lives as long as a session can; the store ends idle sessions earlier.
pub fn layer(store: &Store, plain_http: bool) -> SessionManagerLayer<PgSessions> {
    let name = if plain_http { "countersign_session" } else { "__Host-countersign_session" };
    SessionManagerLayer::new(PgSessions::new(store.clone()))
        .with_name(name)
        .with_secure(!plain_http)
        .with_http_only(true)
        // Strict would leave the cookie out where mail or the sign-in provider leads here. No GET changes anything, and other
        // requests from other sites are refused.
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(ABSOLUTE.try_into().unwrap_or(time::Duration::DAY)))
}

/// Takes up the session that signing in at the provider began, under its new id, so that an id planted by an attacker is
/// worthless.
///
/// # Errors
/// `unavailable` when sessions cannot be written.
pub async fn begin(session: &Session, signed_in: &SignedIn) -> ApiResult<()> {
    session.cycle_id().await.map_err(broken)?;
    session.insert(PERSON_ID, signed_in.person.id).await.map_err(broken)?;
    session.insert(BEGUN, signed_in.session.to_string()).await.map_err(broken)
}

fn broken(error: session::Error) -> ApiError {
    tracing::error!(%error, "a session cannot be written");
    ApiError::new(Code::Unavailable, "sessions cannot be written at the moment; try again in a minute")
}
