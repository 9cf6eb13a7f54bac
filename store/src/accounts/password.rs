//! Password hashing: argon2id with the library's defaults (19 MiB, 2 passes), a bounded number at a time, off the
//! threads that serve requests.

use std::sync::OnceLock;

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use lifecycle::problem::Problem;

use crate::{Error, Result, Store};

/// Minimum characters of a password.
const MIN_CHARS: usize = 8;
/// Maximum bytes: hashing a long text costs time.
const MAX_BYTES: usize = 1024;

/// Refuses passwords that are too short to be safe or too long to be hashed.
pub(crate) fn check_strength(password: &str) -> Result<()> {
    if password.chars().count() < MIN_CHARS || password.len() > MAX_BYTES {
        let detail = format!("a password has at least {MIN_CHARS} characters and at most {MAX_BYTES} bytes");
        return Err(Problem::invalid_field("/password", detail).into());
    }
    Ok(())
}

/// The hash to store.
pub(crate) async fn hash(store: &Store, password: String) -> Result<String> {
    bounded(store, move || hash_now(&password)).await?
}

/// Whether `password` matches `hash`. Without a hash, a dummy hash is verified, so that an unknown account takes as
/// long as a known one.
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
                    let dummy = hash_now("an account that does not exist")?;
                    DUMMY.get_or_init(|| dummy).clone()
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

/// Runs `work` on a blocking thread once one of the few hashers is free.
async fn bounded<T: Send + 'static>(store: &Store, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let stopped = |error: &dyn std::fmt::Display| Error::Internal(format!("password hashing stopped: {error}"));
    let permit = store.hashers().clone().acquire_owned().await.map_err(|error| stopped(&error))?;
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    })
    .await
    .map_err(|error| stopped(&error))
}
