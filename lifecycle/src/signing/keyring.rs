//! The keys this instance signs and verifies with.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Key, key::Membership};

/// The current key, and earlier keys that only verify.
#[derive(Debug, Clone)]
pub struct KeyRing {
    /// Signs and verifies.
    pub current: Key,
    /// Verify only.
    pub previous: Vec<Key>,
}

impl KeyRing {
    /// The current key and all others.
    pub fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    /// The keys called `id`. There are two where a secret was replaced under its old name.
    pub fn named<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Key> {
        self.all().filter(move |key| key.id == id)
    }

    /// The ring for the records of `workspace`: see [`Key`]. What was signed with a secret itself counts if it was made
    /// until `undivided_until`.
    #[must_use]
    pub fn bound_to(&self, workspace: &str, undivided_until: Option<Timestamp>) -> Self {
        let bound = |key: &Key| key.bound_to(workspace, undivided_until, Membership::Unlisted);
        Self { current: bound(&self.current), previous: self.previous.iter().map(bound).collect() }
    }

    /// As [`Self::bound_to`], for a workspace that knows its keys: others count for exports, and for what was made until
    /// `undivided_until`.
    #[must_use]
    pub fn bound_to_listed(&self, workspace: &str, undivided_until: Option<Timestamp>, listed: &[ListedKey]) -> Self {
        let bound = |key: &Key| match listed.iter().find(|listed| listed.is(key)) {
            Some(listed) => {
                key.clone().confirmed().bound_to(workspace, undivided_until, Membership::Listed(listed.counts_until))
            }
            None => key.bound_to(workspace, undivided_until, Membership::Foreign),
        };
        Self { current: bound(&self.current), previous: self.previous.iter().map(bound).collect() }
    }

    /// The workspace whose records the ring signs; `None` for keys that were not bound to one.
    pub fn workspace(&self) -> Option<&str> {
        self.current.workspace()
    }

    /// The same keys, of which the one with this id and fingerprint signs; `None` when the ring does not have it.
    pub fn signing_with(&self, id: &str, fingerprint: &str) -> Option<Self> {
        let mut keys: Vec<Key> = self.all().cloned().collect();
        let place = keys.iter().position(|key| key.id == id && key.fingerprint() == fingerprint)?;
        let current = keys.remove(place).confirmed();
        Some(Self { current, previous: keys })
    }

    /// The names of the keys, without their secrets.
    pub fn names(&self) -> KeyNames {
        KeyNames {
            current: self.current.id.clone(),
            previous: self.previous.iter().map(|key| key.id.clone()).collect(),
        }
    }
}

/// A key that a workspace knows as its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    /// The public name.
    pub key_id: String,
    /// The fingerprint of the secret.
    pub fingerprint: String,
    /// What was made later does not count; `None` for a key that was not replaced.
    pub counts_until: Option<Timestamp>,
}

impl ListedKey {
    /// Whether `key` is this one.
    pub fn is(&self, key: &Key) -> bool {
        self.key_id == key.id && self.fingerprint == key.fingerprint()
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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No key of the ring has the stated id: nothing is known about the content.
    #[error("it is signed with the key `{0}`, which is not known here; add that key to HMAC_PREVIOUS")]
    UnknownKey(String),
    /// The signature does not belong to this content.
    #[error("the signature does not match the content")]
    Mismatch,
    /// A member is missing or has a wrong type.
    #[error("`{0}` is missing or malformed")]
    Malformed(&'static str),
}

impl SignatureError {
    /// The id of the key that is missing, if that is why.
    pub fn unknown_key(&self) -> Option<&str> {
        match self {
            Self::UnknownKey(id) => Some(id),
            Self::Mismatch | Self::Malformed(_) => None,
        }
    }
}
