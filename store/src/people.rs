//! People: signing in, and who is trusted with what.

use lifecycle::authority::{Actor, Person, Roles};

use crate::{Error, Result, Store};

/// Checks a password. None when email or password are wrong or the person is disabled.
///
/// # Errors
/// `too_many_requests` after ten failures within fifteen minutes, with `retry_after_seconds`.
pub async fn sign_in(_store: &Store, _email: &str, _password: &str) -> Result<Option<Person>> {
    Err(Error::Internal("people::sign_in".into()))
}

/// Records that somebody signed out.
pub async fn signed_out(_store: &Store, _actor: &Actor) -> Result<()> {
    Err(Error::Internal("people::signed_out".into()))
}

/// The person with this number, enabled or not. For authentication, so it asks for no actor.
pub async fn by_id(_store: &Store, _id: i64) -> Result<Option<Person>> {
    Err(Error::Internal("people::by_id".into()))
}

/// The enabled person with this email, without a password: for the demo's one-click cards only.
pub async fn by_email(_store: &Store, _email: &str) -> Result<Option<Person>> {
    Err(Error::Internal("people::by_email".into()))
}

/// Everybody, by email.
pub async fn list(_store: &Store, _actor: &Actor) -> Result<Vec<Person>> {
    Err(Error::Internal("people::list".into()))
}

/// Adds a person.
pub async fn add(
    _store: &Store,
    _actor: &Actor,
    _email: &str,
    _name: &str,
    _roles: Roles,
    _password: &str,
) -> Result<Person> {
    Err(Error::Internal("people::add".into()))
}

/// Sets a person's roles.
pub async fn set_roles(_store: &Store, _actor: &Actor, _email: &str, _roles: Roles) -> Result<Person> {
    Err(Error::Internal("people::set_roles".into()))
}

/// Sets a person's password and ends their sessions.
pub async fn set_password(_store: &Store, _actor: &Actor, _email: &str, _password: &str) -> Result<Person> {
    Err(Error::Internal("people::set_password".into()))
}

/// Lets a person sign in, or not; disabling ends their sessions.
pub async fn set_enabled(_store: &Store, _actor: &Actor, _email: &str, _enabled: bool) -> Result<Person> {
    Err(Error::Internal("people::set_enabled".into()))
}
