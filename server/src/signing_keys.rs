//! The signing keys: given in the environment, or generated on the first run and stored in the data directory.

use std::{io::ErrorKind, path::Path};

use lifecycle::signing::{Key, KeyRing};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use store::atomic_file;

use crate::error::CliError;

/// Name of the key file in the data directory.
pub const FILE: &str = "hmac-key.json";
/// Name of a key given by `HMAC_SECRET` without `HMAC_KEY_ID`.
const DEFAULT_ID: &str = "main";
/// A secret shorter than this, in bytes, can be guessed.
const SHORT_SECRET: usize = 16;

/// The keys as arguments or environment variables.
#[derive(Clone, Default, clap::Args)]
pub struct SigningKeyArguments {
    /// Secret that signs and verifies; without one, a secret is generated and kept in the data directory.
    #[arg(long = "hmac-secret", env = "HMAC_SECRET", hide_env_values = true, value_name = "SECRET")]
    secret: Option<String>,
    /// Public name of that key, which becomes part of whatever it signs.
    #[arg(long = "hmac-key-id", env = "HMAC_KEY_ID", value_name = "NAME")]
    key_id: Option<String>,
    /// Earlier keys that only verify: `name:secret`, separated by commas.
    #[arg(long = "hmac-previous", env = "HMAC_PREVIOUS", hide_env_values = true, value_name = "NAME:SECRET,…")]
    previous: Option<String>,
}

impl SigningKeyArguments {
    /// Whether a secret was given, so that none is read from the data directory.
    pub fn has_secret(&self) -> bool {
        self.secret.as_deref().is_some_and(|secret| !secret.is_empty())
    }
}

// Secrets do not belong in logs.
impl std::fmt::Debug for SigningKeyArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKeyArguments").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    id: String,
    secret: String,
}

/// The key ring; generates and stores a key if there is none.
///
/// # Errors
/// [`CliError::Usage`] when the key file cannot be read or written, or a key is malformed.
pub fn ring(given: &SigningKeyArguments, data_dir: &Path) -> Result<KeyRing, CliError> {
    let current = match given.secret.as_deref().filter(|secret| !secret.is_empty()) {
        Some(secret) => {
            if secret.len() < SHORT_SECRET {
                tracing::warn!("HMAC_SECRET has fewer than {SHORT_SECRET} characters: use a longer one");
            }
            Key::new(given.key_id.as_deref().unwrap_or(DEFAULT_ID), secret.as_bytes())
        }
        None => stored_key(&data_dir.join(FILE))?,
    };
    Ok(KeyRing { current, previous: previous(given.previous.as_deref().unwrap_or_default())? })
}

fn previous(text: &str) -> Result<Vec<Key>, CliError> {
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| match entry.split_once(':') {
            Some((id, secret)) if !id.is_empty() && !secret.is_empty() => Ok(Key::new(id, secret.as_bytes())),
            _ => Err(CliError::Usage("HMAC_PREVIOUS is not `name:secret`, separated by commas".to_owned())),
        })
        .collect()
}

/// The key in `path`; generated if there is none.
fn stored_key(path: &Path) -> Result<Key, CliError> {
    let fail = |what: &str, error: &dyn std::fmt::Display| {
        CliError::Usage(format!("cannot {what} the signing key `{}`: {error}", path.display()))
    };
    match std::fs::read(path) {
        Ok(bytes) => {
            let stored: StoredKey = serde_json::from_slice(&bytes).map_err(|error| fail("parse", &error))?;
            let secret = hex::decode(&stored.secret).map_err(|error| fail("parse", &error))?;
            Ok(Key::new(stored.id, secret))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let secret: [u8; 32] = rand::rng().random();
            let name: [u8; 4] = rand::rng().random();
            let stored = StoredKey { id: format!("key-{}", hex::encode(name)), secret: hex::encode(secret) };
            let text = serde_json::to_vec_pretty(&stored).map_err(|error| fail("write", &error))?;
            atomic_file::write(path, &text).map_err(|error| fail("write", &error))?;
            Ok(Key::new(stored.id, secret))
        }
        Err(error) => Err(fail("read", &error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_generated_key_is_stored_and_readable_only_by_its_owner() {
        let folder = std::env::temp_dir().join(format!("countersign-keys-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&folder).unwrap();
        let first = ring(&SigningKeyArguments::default(), &folder).unwrap().current;
        let second = ring(&SigningKeyArguments::default(), &folder).unwrap().current;
        assert!(first == second);
        assert_eq!(std::fs::metadata(folder.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn given_keys_are_used() {
        let given = SigningKeyArguments {
            secret: Some("a secret that is long".into()),
            key_id: None,
            previous: Some("old:was longer once, ".into()),
        };
        let ring = ring(&given, Path::new("/nowhere")).unwrap();
        assert!(ring.current == Key::new("main", "a secret that is long"));
        assert!(ring.previous == [Key::new("old", "was longer once")]);
        assert!(previous("no-colon").is_err());
    }
}
