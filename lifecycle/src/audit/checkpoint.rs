//! Signed statements of how long the chain was: they show when its end was cut off.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::chain::Hash;
use crate::signing::{self, Envelope, KeyRing, SignatureError};

/// How long the chain was at a moment, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Entries up to and including the head.
    pub count: u64,
    /// Number of the last sealed entry; 0 for an empty chain.
    pub head_seq: i64,
    /// Its hash.
    pub head_hash: Hash,
    /// When this was stated, by the database's clock.
    pub at: Timestamp,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above.
    pub signature: String,
}

impl Checkpoint {
    /// States and signs that the chain ends with entry `head_seq`.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`] when it has no canonical form; it always has.
    pub fn sign(keys: &KeyRing, head_seq: i64, head_hash: Hash, at: Timestamp) -> Result<Self, SignatureError> {
        let count = u64::try_from(head_seq).unwrap_or(0);
        let mut checkpoint = Self { count, head_seq, head_hash, at, key_id: String::new(), signature: String::new() };
        signing::sign(keys, &mut checkpoint)?;
        Ok(checkpoint)
    }
}

impl Envelope for Checkpoint {
    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}
