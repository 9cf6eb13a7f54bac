//! Password hashing: argon2id with the library's defaults (19 MiB, 2 passes), a bounded number at a time, off the
//! threads that serve requests.

use std::{collections::HashSet, sync::OnceLock, time::Duration};

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use lifecycle::problem::{Code, Problem};
use tokio::time::timeout;

use crate::{Error, Result, Store};

/// Minimum characters of a password.
const MIN_CHARS: usize = 10;
/// Minimum number of different characters of a password.
const MIN_DIFFERENT: usize = 5;
/// Longest wait for a free hasher. Attempts with many accounts must not hold up people who sign in for ever.
const HASHER_WAIT: Duration = Duration::from_secs(5);
/// Maximum bytes: hashing a long text costs time.
const MAX_BYTES: usize = 1024;

/// The beginnings of the commonest long passwords, in lower case and without digits and marks.
const COMMON: [&str; 14] = [
    "password",
    "passwort",
    "qwertyuiop",
    "qwertzuiop",
    "asdfghjkl",
    "iloveyou",
    "letmein",
    "welcome",
    "administrator",
    "countersign",
    "changeme",
    "abcdefghij",
    "football",
    "sunshine",
];

/// Refuses passwords that are guessed first, or are too long to be hashed. `email` is the account's.
pub(crate) fn check_strength(password: &str, email: &str) -> Result<()> {
    let refuse = |detail: &str| Err(Problem::invalid_field("/password", detail).into());
    if password.chars().count() < MIN_CHARS || password.len() > MAX_BYTES {
        let detail = format!("a password has at least {MIN_CHARS} characters and at most {MAX_BYTES} bytes");
        return refuse(&detail);
    }
    let lower = password.to_lowercase();
    if lower.chars().collect::<HashSet<char>>().len() < MIN_DIFFERENT {
        return refuse(&format!("a password has at least {MIN_DIFFERENT} different characters"));
    }
    let letters: String = lower.chars().filter(|c| c.is_alphabetic()).collect();
    let account = email.to_lowercase();
    let user = account.split('@').next().unwrap_or_default();
    let only =
        |known: &str| !known.is_empty() && letters == known.chars().filter(|c| c.is_alphabetic()).collect::<String>();
    if COMMON.iter().any(|common| only(common)) || lower == account || only(user) || is_row(&lower) {
        return refuse("this password is one of the first that anybody would try; take several words instead");
    }
    Ok(())
}

/// Whether every character follows the one before it, up or down: `1234567890`.
fn is_row(text: &str) -> bool {
    let steps: HashSet<i64> = text
        .chars()
        .zip(text.chars().skip(1))
        .map(|(a, b)| i64::from(u32::from(b)) - i64::from(u32::from(a)))
        // From 9 to 0 the row goes on.
        .map(|step| {
            if step == -9 {
                1
            } else if step == 9 {
                -1
            } else {
                step
            }
        })
        .collect();
    steps.len() == 1 && steps.iter().all(|step| step.abs() == 1)
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
    let Ok(permit) = timeout(HASHER_WAIT, store.hashers().clone().acquire_owned()).await else {
        let detail = "very many people are signing in at the moment; try again in a few seconds";
        return Err(Problem::new(Code::TooManyRequests, detail)
            .with("retry_after_seconds", HASHER_WAIT.as_secs())
            .into());
    };
    let permit = permit.map_err(|error| stopped(&error))?;
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    })
    .await
    .map_err(|error| stopped(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_are_tried_first_are_refused() {
        let (dots, digits) = (".".repeat(40), "7".repeat(40));
        for weak in [
            "short",
            "a password"[..9].trim(),
            &dots,
            &digits,
            "1234567890",
            "0987654321",
            "abababababab",
            "Password123!",
            "password2026",
            "ann@example.com",
            "annannannann",
            "Ann.1234567",
            "QWERTYUIOP1",
            "welcome12345",
            "abcdefghijk",
        ] {
            assert!(check_strength(weak, "ann@example.com").is_err(), "{weak}");
        }
        for fine in ["a good password", "correct horse", "xK9-fjwq-2Lz", "пароль из слов", "annie at sea"] {
            assert!(check_strength(fine, "ann@example.com").is_ok(), "{fine}");
        }
        assert!(check_strength(&"a word and ".repeat(100), "ann@example.com").is_err(), "too long to be hashed");
    }
}
