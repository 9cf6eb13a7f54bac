//! Reading the settings.

use lifecycle::{
    authority::{Actor, Permission, authorize},
    settings::{Change, Passwords, Settings, safeguards},
    signing::KeyNames,
};
use policy::bundle::Invariant;

use super::row::{load, load_invariants};
use crate::{Error, Result, Store};

/// The settings in force.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn get(store: &Store, actor: &Actor) -> Result<Settings> {
    authorize(actor, Permission::Read)?;
    load(store.pool()).await
}

/// Who may sign in with a password. Takes no actor: the sign-in page says it to everyone.
///
/// # Errors
/// The database failed.
pub async fn who_has_passwords(store: &Store) -> Result<Passwords> {
    Ok(load(store.pool()).await?.sign_in.passwords)
}

/// The safeguards that are weaker than by default.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn below_default(store: &Store, actor: &Actor) -> Result<Vec<Change>> {
    authorize(actor, Permission::Read)?;
    safeguards::below_default(&load(store.pool()).await?).map_err(Error::damaged)
}

/// The names of the signing keys.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub fn keys(store: &Store, actor: &Actor) -> Result<KeyNames> {
    authorize(actor, Permission::Read)?;
    Ok(store.keys().names())
}

/// The invariants that every bundle of the workspace must satisfy. They are stored apart from the other settings, so
/// that replacing those never drops a protection.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn invariants(store: &Store, actor: &Actor) -> Result<Vec<Invariant>> {
    authorize(actor, Permission::Read)?;
    load_invariants(store.pool()).await
}
