//! The seal of an entry: a keyed hash over the entry and the hash of the entry before it.

use std::{fmt, str::FromStr};

use policy::{Timestamp, bundle::canonical::canonical_object};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use crate::signing::{Key, KeyRing, Purpose};

/// The members of an entry that make up its seal; the seal does not cover them.
pub const SEAL_MEMBERS: [&str; 3] = ["key_id", "prev_hash", "entry_hash"];

/// An HMAC-SHA256 of the chain, written as 64 hex digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash that the first entry follows.
    pub const GENESIS: Self = Self([0; 32]);

    /// The first eight digits, for people.
    pub fn short(self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 64 hex digits in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 hex digits in lower case")]
pub struct NotAHash;

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(NotAHash);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotAHash)?;
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The seal of an entry: ties the entry to the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The public name of the key.
    pub key_id: String,
    /// The hash of the entry before; zeros before the first.
    pub prev_hash: Hash,
    /// HMAC-SHA256 over `prev_hash` and the canonical entry.
    pub entry_hash: Hash,
}

impl Seal {
    /// The seal of `content` after an entry with hash `prev_hash`.
    pub(super) fn new(key: &Key, prev_hash: Hash, content: &Map<String, Value>) -> Self {
        let entry_hash = Hash(key.authenticate(Purpose::Audit, &[&prev_hash.0, canonical_object(content).as_bytes()]));
        Self { key_id: key.id.clone(), prev_hash, entry_hash }
    }

    /// Whether this seal was made with the key it names for this content; `None` when `keys` has no such key.
    pub(super) fn is_genuine(&self, keys: &KeyRing, content: &Map<String, Value>) -> Option<bool> {
        let made_at = content.get("at").and_then(Value::as_str).and_then(|at| at.parse::<Timestamp>().ok());
        let canonical = canonical_object(content);
        let parts = [&self.prev_hash.0[..], canonical.as_bytes()];
        let mut known = None;
        for key in keys.named(&self.key_id) {
            if key.authenticates(Purpose::Audit, made_at, &parts, &self.entry_hash.0) {
                return Some(true);
            }
            if key.speaks_for_its_name(Purpose::Audit) {
                known = Some(false);
            }
        }
        known
    }

    /// The seal among the members of an entry; `None` when the entry has no part of a seal.
    ///
    /// # Errors
    /// The member that is missing or malformed, in a few words.
    pub(super) fn read(members: &Map<String, Value>) -> Result<Option<Self>, String> {
        let missing = |name: &&str| members.get(*name).is_none_or(Value::is_null);
        if SEAL_MEMBERS.iter().all(missing) {
            return Ok(None);
        }
        if let Some(name) = SEAL_MEMBERS.iter().find(|name| missing(name)) {
            return Err(format!("`{name}` is missing"));
        }
        let text =
            |name: &str| members.get(name).and_then(Value::as_str).ok_or_else(|| format!("`{name}` is not a text"));
        let hash = |name: &str| text(name)?.parse::<Hash>().map_err(|error| format!("`{name}`: {error}"));
        Ok(Some(Self {
            key_id: text("key_id")?.to_owned(),
            prev_hash: hash("prev_hash")?,
            entry_hash: hash("entry_hash")?,
        }))
    }
}

/// The members of an entry without its seal: what the seal covers.
pub(super) fn without_seal(members: &Map<String, Value>) -> Map<String, Value> {
    let mut content = members.clone();
    for name in SEAL_MEMBERS {
        content.remove(name);
    }
    content
}

/// What the seal of an entry says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealCheck {
    /// The entry has no seal.
    Unsealed,
    /// The entry is as it was sealed, with the key of this id.
    Genuine(String),
    /// The seal names a key that is not known.
    UnknownKey(String),
    /// The entry is not as it was sealed, or its seal is incomplete.
    Altered,
}

/// Checks the seal of one entry by itself: whether it follows the entry before it is for [`super::Verifier`].
pub fn check_seal(keys: &KeyRing, members: &Map<String, Value>) -> SealCheck {
    let seal = match Seal::read(members) {
        Ok(None) => return SealCheck::Unsealed,
        Ok(Some(seal)) => seal,
        Err(_) => return SealCheck::Altered,
    };
    match seal.is_genuine(keys, &without_seal(members)) {
        Some(true) => SealCheck::Genuine(seal.key_id),
        Some(false) => SealCheck::Altered,
        None => SealCheck::UnknownKey(seal.key_id),
    }
}
