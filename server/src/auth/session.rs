//! The session cookie.

use store::{Store, sessions::PgSessions};
use time::Duration;
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

/// A session ends after this time without a request.
const IDLE: Duration = Duration::hours(12);

/// Sessions stored in the database. Over plain HTTP (loopback only) browsers refuse `Secure` cookies, and with them the
/// `__Host-` prefix.
pub fn layer(store: &Store, plain_http: bool) -> SessionManagerLayer<PgSessions> {
    let name = if plain_http { "countersign_session" } else { "__Host-countersign_session" };
    SessionManagerLayer::new(PgSessions::new(store.clone()))
        .with_name(name)
        .with_secure(!plain_http)
        .with_http_only(true)
        .with_same_site(SameSite::Strict)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(IDLE))
}
