//! The signing keys: given in the environment, or generated for an empty workspace and kept in the data directory.

use std::{io::ErrorKind, path::Path};

use lifecycle::signing::{Key, KeyRing};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnectOptions;
use store::atomic_file;

use crate::error::CliError;

/// Name of the key file in the data directory.
pub const FILE: &str = "hmac-key.json";

/// The name that earlier releases gave to a key without a name. What it signed still verifies.
const FORMER_ID: &str = "main";

/// The keys as arguments or environment variables.
#[derive(Clone, Default, clap::Args)]
pub struct SigningKeyArguments {
    /// Secret that signs and verifies, at least 32 bytes: text, or `hex:` and hexadecimal digits. Without one, a secret
    /// is generated for an empty workspace and kept in the data directory.
    #[arg(long = "hmac-secret", env = "HMAC_SECRET", hide_env_values = true, value_name = "SECRET")]
    secret: Option<String>,
    /// Public name of that key, which becomes part of whatever it signs; without one, the key is named by its
    /// fingerprint.
    #[arg(long = "hmac-key-id", env = "HMAC_KEY_ID", value_name = "NAME")]
    key_id: Option<String>,
    /// Earlier keys that only verify, and new ones that do not sign yet: `name:secret`, separated by commas.
    #[arg(long = "hmac-previous", env = "HMAC_PREVIOUS", hide_env_values = true, value_name = "NAME:SECRET,…")]
    previous: Option<String>,
}

/// What keys are needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To sign: the secret must be long enough.
    Sign,
    /// Only to verify what others signed.
    Verify,
}

impl SigningKeyArguments {
    /// Whether a secret was given, so that a generated one only verifies.
    pub fn has_secret(&self) -> bool {
        self.secret().is_some()
    }

    fn secret(&self) -> Option<&str> {
        self.secret.as_deref().filter(|secret| !secret.is_empty())
    }
}

// Secrets do not belong in logs.
impl std::fmt::Debug for SigningKeyArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKeyArguments").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// The key file: the newest key, and the keys before it.
#[derive(Serialize, Deserialize)]
struct KeyFile {
    #[serde(flatten)]
    newest: StoredKey,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    previous: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    id: String,
    /// In hexadecimal.
    secret: String,
}

/// The key ring; `None` if no secret is given and none is kept. Nothing is generated here.
///
/// # Errors
/// [`CliError::Usage`] when a key is malformed or too short to sign with, or the key file cannot be read.
pub fn ring(given: &SigningKeyArguments, data_dir: &Path, wanted: Use) -> Result<Option<KeyRing>, CliError> {
    let mut previous = previous(given.previous.as_deref().unwrap_or_default())?;
    let kept = kept(data_dir)?;
    let Some(secret) = given.secret() else {
        return Ok(kept.map(|mut ring| {
            ring.previous.append(&mut previous);
            ring
        }));
    };
    let secret = decode(secret).map_err(|why| CliError::Usage(format!("HMAC_SECRET {why}")))?;
    let named = given.key_id.as_deref().filter(|id| !id.is_empty());
    let current = match named {
        Some(id) => Key::new(id, secret.clone()),
        None => Key::named_by_fingerprint(secret.clone()),
    };
    if wanted == Use::Sign && current.secret_bytes() < Key::MIN_SECRET_BYTES {
        return Err(CliError::Usage(format!(
            "HMAC_SECRET has {} bytes, and a key that signs needs at least {}. Make a new one, for example with `openssl \
             rand -hex 32`, and keep this one as HMAC_PREVIOUS={}:SECRET",
            current.secret_bytes(),
            Key::MIN_SECRET_BYTES,
            named.unwrap_or(FORMER_ID)
        )));
    }
    if previous.iter().any(|key| key.id == current.id && *key != current) {
        return Err(CliError::Usage(format!(
            "HMAC_SECRET and HMAC_PREVIOUS name two secrets `{}`: give the new key a name of its own with HMAC_KEY_ID",
            current.id
        )));
    }
    previous.extend(kept.iter().flat_map(KeyRing::all).cloned());
    if named.is_none() {
        previous.push(Key::guessed(FORMER_ID, secret));
    }
    Ok(Some(KeyRing { current, previous }))
}

/// The key ring for the workspace in this database, whose schema is up to date. The key of an empty workspace is
/// generated and kept, if none is given.
///
/// # Errors
/// As [`ring`]; [`CliError::Refused`] when the workspace was signed with a key and no key is here; the database failed.
pub async fn for_workspace(
    given: &SigningKeyArguments,
    data_dir: &Path,
    database: &PgConnectOptions,
) -> Result<KeyRing, CliError> {
    if let Some(ring) = ring(given, data_dir, Use::Sign)? {
        return Ok(ring);
    }
    let signed_with = store::key_check::make_if_empty(database, || generate_first(data_dir)).await?;
    // Another process that shares the directory may have kept a key meanwhile.
    ring(given, data_dir, Use::Sign)?.ok_or_else(|| {
        let id = signed_with.unwrap_or_default();
        CliError::Refused(format!(
            "this workspace is signed with the key `{id}`, and `{}` has no key: no other is made. Give the key as \
             HMAC_SECRET with HMAC_KEY_ID={id}, or name the data directory that holds it with --data-dir",
            data_dir.display()
        ))
    })
}

/// The ring with the keys that the data directory holds now: another process may have added one.
///
/// # Errors
/// [`CliError::Usage`] when the key file cannot be read.
pub fn reread(ring: &KeyRing, data_dir: &Path) -> Result<KeyRing, CliError> {
    let Some(kept) = kept(data_dir)? else { return Ok(ring.clone()) };
    let mut known: Vec<Key> = ring.all().cloned().collect();
    let current = if kept.all().any(|key| *key == ring.current) { kept.current.clone() } else { ring.current.clone() };
    known.extend(kept.all().filter(|key| !ring.all().any(|other| other == *key)).cloned());
    known.retain(|key| *key != current);
    Ok(KeyRing { current, previous: known })
}

/// Generates the first key of a workspace and keeps it, unless the data directory has one already. Returns the key that
/// is kept.
///
/// # Errors
/// [`CliError::Usage`] when the key file cannot be read or written.
pub fn generate_first(data_dir: &Path) -> Result<Key, CliError> {
    let path = data_dir.join(FILE);
    let file = KeyFile { newest: generate(), previous: Vec::new() };
    atomic_file::create(&path, &text(&file, &path)?).map_err(|error| failed("write", &path, &error))?;
    // Read again: another process may have been faster.
    let ring = kept(data_dir)?.ok_or_else(|| failed("read", &path, &"it is gone"))?;
    Ok(ring.current)
}

/// Generates another key and keeps it beside the others.
///
/// # Errors
/// [`CliError::Usage`] when there is no key file, or it cannot be read or written.
pub fn generate_next(data_dir: &Path) -> Result<(), CliError> {
    let path = data_dir.join(FILE);
    let lock = std::fs::File::open(data_dir).and_then(|folder| folder.lock().map(|()| folder));
    let _lock = lock.map_err(|error| failed("lock", &path, &error))?;
    let former = read(&path)?.ok_or_else(|| failed("read", &path, &"there is none"))?;
    let mut previous = vec![former.newest];
    previous.extend(former.previous);
    let file = KeyFile { newest: generate(), previous };
    atomic_file::write(&path, &text(&file, &path)?).map_err(|error| failed("write", &path, &error))
}

fn generate() -> StoredKey {
    let secret: [u8; 32] = rand::rng().random();
    StoredKey { id: Key::named_by_fingerprint(secret).id, secret: hex::encode(secret) }
}

fn kept(data_dir: &Path) -> Result<Option<KeyRing>, CliError> {
    let path = data_dir.join(FILE);
    let Some(file) = read(&path)? else { return Ok(None) };
    let key = |stored: &StoredKey| {
        hex::decode(&stored.secret)
            .map(|secret| Key::new(stored.id.as_str(), secret))
            .map_err(|error| failed("parse", &path, &error))
    };
    Ok(Some(KeyRing {
        current: key(&file.newest)?,
        previous: file.previous.iter().map(key).collect::<Result<_, _>>()?,
    }))
}

fn read(path: &Path) -> Result<Option<KeyFile>, CliError> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| failed("parse", path, &error)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

fn text(file: &KeyFile, path: &Path) -> Result<Vec<u8>, CliError> {
    serde_json::to_vec_pretty(file).map_err(|error| failed("write", path, &error))
}

fn failed(what: &str, path: &Path, error: &dyn std::fmt::Display) -> CliError {
    CliError::Usage(format!("cannot {what} the signing key `{}`: {error}", path.display()))
}

fn previous(text: &str) -> Result<Vec<Key>, CliError> {
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| match entry.split_once(':') {
            Some((id, secret)) if !id.is_empty() && !secret.is_empty() => match decode(secret) {
                Ok(secret) => Ok(Key::new(id, secret)),
                Err(why) => Err(CliError::Usage(format!("the secret of `{id}` in HMAC_PREVIOUS {why}"))),
            },
            _ => Err(CliError::Usage("HMAC_PREVIOUS is not `name:secret`, separated by commas".to_owned())),
        })
        .collect()
}

/// A secret is text; after `hex:` it is written in hexadecimal digits.
fn decode(secret: &str) -> Result<Vec<u8>, &'static str> {
    match secret.strip_prefix("hex:") {
        None => Ok(secret.as_bytes().to_vec()),
        Some(digits) => match hex::decode(digits) {
            Ok(secret) if !secret.is_empty() => Ok(secret),
            _ => Err("begins with `hex:`, but an even number of hexadecimal digits does not follow"),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const SECRET: &str = "a secret of thirty-two bytes or more";

    fn folder() -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("countersign-keys-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn given(secret: &str, id: Option<&str>, previous: Option<&str>) -> SigningKeyArguments {
        SigningKeyArguments {
            secret: Some(secret.into()),
            key_id: id.map(str::to_owned),
            previous: previous.map(str::to_owned),
        }
    }

    fn load(given: &SigningKeyArguments, folder: &Path) -> Result<KeyRing, String> {
        ring(given, folder, Use::Sign).map(Option::unwrap).map_err(|error| error.to_string())
    }

    #[test]
    fn a_generated_key_is_kept_and_readable_only_by_its_owner() {
        let folder = folder();
        let nothing = SigningKeyArguments::default();
        assert!(ring(&nothing, &folder, Use::Sign).unwrap().is_none(), "reading makes no key");
        let made: Vec<Key> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| generate_first(&folder).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let kept = load(&nothing, &folder).unwrap();
        assert!(made.iter().all(|key| *key == kept.current), "everybody has the key that is on the disk");
        assert_eq!(kept.current.id, Key::named_by_fingerprint(decode_kept(&folder)).id);
        assert_eq!(std::fs::metadata(folder.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);

        generate_next(&folder).unwrap();
        let rotated = load(&nothing, &folder).unwrap();
        assert_ne!(rotated.current, kept.current);
        assert_eq!(rotated.previous, std::slice::from_ref(&kept.current));
        // A server that runs with the first key finds the second; one that was given a secret keeps it.
        let found = reread(&kept, &folder).unwrap();
        assert_eq!((found.current, found.previous), (rotated.current.clone(), vec![kept.current.clone()]));
        let own = KeyRing { current: Key::new("own", SECRET), previous: Vec::new() };
        let found = reread(&own, &folder).unwrap();
        assert_eq!((&found.current.id[..], found.previous.len()), ("own", 2));
        std::fs::remove_dir_all(folder).unwrap();
    }

    fn decode_kept(folder: &Path) -> Vec<u8> {
        hex::decode(read(&folder.join(FILE)).unwrap().unwrap().newest.secret).unwrap()
    }

    #[test]
    fn given_keys_are_used_and_a_kept_one_verifies() {
        let folder = folder();
        let kept = generate_first(&folder).unwrap();
        let ring = load(&given(SECRET, None, Some("old:was longer once, ")), &folder).unwrap();
        assert_eq!(ring.current, Key::named_by_fingerprint(SECRET));
        assert_eq!(ring.previous, [Key::new("old", "was longer once"), kept, Key::new("main", SECRET)]);
        let named = load(&given(SECRET, Some("2026"), None), Path::new("/nowhere")).unwrap();
        assert_eq!((named.current, named.previous), (Key::new("2026", SECRET), Vec::new()));
        assert!(previous("no-colon").is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn secrets_are_text_or_hexadecimal() {
        let text = load(&given(SECRET, None, None), Path::new("/nowhere")).unwrap();
        let digits = format!("hex:{}", hex::encode(SECRET));
        let hexadecimal = load(&given(&digits, None, None), Path::new("/nowhere")).unwrap();
        assert_eq!(text.current, hexadecimal.current);
        // The kept key of a data directory, moved into the environment as it is written there.
        let folder = folder();
        let kept = generate_first(&folder).unwrap();
        let moved = format!("{}:hex:{}", kept.id, hex::encode(decode_kept(&folder)));
        let ring = load(&given(SECRET, None, Some(&moved)), Path::new("/nowhere")).unwrap();
        assert_eq!(ring.previous[0], kept);
        std::fs::remove_dir_all(folder).unwrap();
        for wrong in ["hex:", "hex:0", "hex:zz"] {
            assert!(
                load(&given(wrong, None, None), Path::new("/nowhere")).unwrap_err().contains("hexadecimal"),
                "{wrong}"
            );
            assert!(previous(&format!("k:{wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_short_secret_verifies_and_does_not_sign() {
        let short = given(&"x".repeat(31), None, None);
        let refused = load(&short, Path::new("/nowhere")).unwrap_err();
        assert!(refused.contains("31 bytes") && refused.contains("HMAC_PREVIOUS=main:"), "{refused}");
        assert!(ring(&short, Path::new("/nowhere"), Use::Verify).is_ok());
        assert!(load(&given(&"x".repeat(32), None, None), Path::new("/nowhere")).is_ok());
        assert!(load(&given(&format!("hex:{}", "ab".repeat(31)), None, None), Path::new("/nowhere")).is_err());
    }

    #[test]
    fn one_name_does_not_stand_for_two_secrets() {
        let two = given(SECRET, Some("k"), Some("k:another secret"));
        assert!(load(&two, Path::new("/nowhere")).unwrap_err().contains("two secrets"));
        let same = given(SECRET, Some("k"), Some(&format!("k:{SECRET}")));
        assert!(load(&same, Path::new("/nowhere")).is_ok());
    }
}
