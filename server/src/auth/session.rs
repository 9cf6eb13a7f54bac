//! The session cookie.

use store::{
    Store,
    sessions::{ABSOLUTE, PgSessions},
};
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

/// Sessions stored in the database. Over plain HTTP (loopback only) browsers refuse `Secure` cookies, and with them the
/// `__Host-` prefix. The cookie lives as long as a session can; the store ends idle sessions earlier.
pub fn layer(store: &Store, plain_http: bool) -> SessionManagerLayer<PgSessions> {
    let name = if plain_http { "countersign_session" } else { "__Host-countersign_session" };
    SessionManagerLayer::new(PgSessions::new(store.clone()))
        .with_name(name)
        .with_secure(!plain_http)
        .with_http_only(true)
        .with_same_site(SameSite::Strict)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(ABSOLUTE.try_into().unwrap_or(time::Duration::DAY)))
}
