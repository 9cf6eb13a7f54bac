//! The rule of the chain: `entry_hash = HMAC(key, prev_hash ‖ canonical(entry))`.
//!
//! The canonical form is RFC 8785 of the entry without its seal. The hash of an entry needs the hash before it, so
//! nothing can be changed, added, moved or taken away in the middle without the key; that nothing is missing at the end
//! is what a [`super::Checkpoint`] is for.

use std::{fmt, str::FromStr};

use policy::bundle::canonical::canonical_object;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use super::Entry;
use crate::signing::Key;

/// The members of an entry that are its seal, and so not covered by it.
pub const SEAL_MEMBERS: [&str; 3] = ["key_id", "prev_hash", "entry_hash"];

/// 32 bytes of a chain, written as 64 hex digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What stands before the first entry.
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

/// A text that is not 64 hex digits in lower case.
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

/// What ties an entry to the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Public name of the key.
    pub key_id: String,
    /// The hash of the entry before; zeros before the first.
    pub prev_hash: Hash,
    /// HMAC-SHA256 over `prev_hash` and the canonical entry.
    pub entry_hash: Hash,
}

/// The seal of `entry` when it follows an entry with hash `prev`.
pub fn seal(key: &Key, prev: Hash, entry: &Entry) -> Seal {
    let entry_hash = link(key, prev, &content(entry));
    Seal { key_id: key.id.clone(), prev_hash: prev, entry_hash }
}

/// The members of an entry that its seal covers.
pub fn content(entry: &Entry) -> Map<String, Value> {
    match serde_json::to_value(Entry { seal: None, ..entry.clone() }) {
        Ok(Value::Object(members)) => members,
        // An entry is an object of strings, numbers and JSON: it cannot fail to serialize.
        _ => Map::new(),
    }
}

fn link(key: &Key, prev: Hash, content: &Map<String, Value>) -> Hash {
    Hash(key.authenticate(&[&prev.0, canonical_object(content).as_bytes()]))
}

/// Whether `seal` was made with `key` for this content.
pub(super) fn genuine(key: &Key, seal: &Seal, content: &Map<String, Value>) -> bool {
    key.authenticates(&[&seal.prev_hash.0, canonical_object(content).as_bytes()], &seal.entry_hash.0)
}
