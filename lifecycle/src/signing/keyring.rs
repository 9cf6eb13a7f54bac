//! The keys this instance signs and verifies with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A secret with its public name. The secret is never printed, not even by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// The public name; a signed envelope names its key.
    pub id: String,
    secret: Vec<u8>,
}

impl Key {
    /// A key called `id`.
    pub fn new(id: impl Into<String>, secret: impl Into<Vec<u8>>) -> Self {
        Self { id: id.into(), secret: secret.into() }
    }

    /// The secret, for the signing code only.
    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("secret", &"[hidden]").finish()
    }
}

/// The current key, and earlier keys that only verify.
#[derive(Debug, Clone)]
pub struct KeyRing {
    /// Signs and verifies.
    pub current: Key,
    /// Verify only.
    pub previous: Vec<Key>,
}

impl KeyRing {
    /// The key called `id`, current or previous.
    pub fn find(&self, id: &str) -> Option<&Key> {
        std::iter::once(&self.current).chain(&self.previous).find(|key| key.id == id)
    }

    /// The names of the keys, without their secrets.
    pub fn names(&self) -> KeyNames {
        KeyNames {
            current: self.current.id.clone(),
            previous: self.previous.iter().map(|key| key.id.clone()).collect(),
        }
    }
}

/// The public names of a ring's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyNames {
    /// Signs and verifies.
    pub current: String,
    /// Verify only.
    pub previous: Vec<String>,
}

/// Why a signature was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No key of the ring has the stated id.
    #[error("the key that signed this is not known here")]
    UnknownKey,
    /// The signature does not belong to this content.
    #[error("the signature does not match the content")]
    Mismatch,
    /// A member is missing or has a wrong type.
    #[error("`{0}` is missing or malformed")]
    Malformed(&'static str),
}
