//! Password hashing: argon2id with the library's defaults (19 MiB, 2 passes), a bounded number at a time, off the
//! threads that serve requests.

use std::sync::OnceLock;

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use lifecycle::problem::Problem;

use crate::{Error, Result, Store};

/// Fewest characters of a password.
const MIN_CHARS: usize = 8;
/// Most bytes: hashing a long text costs time.
const MAX_BYTES: usize = 1024;

/// Refuses passwords nobody should have.
pub(crate) fn check_strength(password: &str) -> Result<()> {
    if password.chars().count() < MIN_CHARS || password.len() > MAX_BYTES {
        let detail = format!("a password has at least {MIN_CHARS} characters and at most {MAX_BYTES} bytes");
        return Err(Problem::invalid_field("/password", detail).into());
    }
    Ok(())
}

/// The hash to keep.
pub(crate) async fn hash(store: &Store, password: String) -> Result<String> {
    bounded(store, move || hash_now(&password)).await?
}

/// Whether `password` is the one behind `hash`. Without a hash the same work is done for nothing, so that an unknown
/// account takes as long as a known one.
pub(crate) async fn verify(store: &Store, password: String, hash: Option<String>) -> Result<bool> {
    static DUMMY: OnceLock<String> = OnceLock::new();
    if password.len() > MAX_BYTES {
        return Ok(false);
    }
    bounded(store, move || {
        let known = hash.is_some();
        let hash = match hash {
            Some(hash) => hash,
            None => match DUMMY.get() {
                Some(dummy) => dummy.clone(),
                None => {
                    let made = hash_now("an account that does not exist")?;
                    DUMMY.get_or_init(|| made).clone()
                }
            },
        };
        let parsed = PasswordHash::new(&hash).map_err(|_| Error::damaged("a password hash"))?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
    })
    .await?
}

fn hash_now(password: &str) -> Result<String> {
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| Error::Internal(format!("password hashing failed: {error}")))?;
    Ok(hash.to_string())
}

async fn bounded<T: Send + 'static>(store: &Store, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let gone = |error: &dyn std::fmt::Display| Error::Internal(format!("password hashing stopped: {error}"));
    let place = store.hashers().clone().acquire_owned().await.map_err(|error| gone(&error))?;
    tokio::task::spawn_blocking(move || {
        let _place = place;
        work()
    })
    .await
    .map_err(|error| gone(&error))
}
