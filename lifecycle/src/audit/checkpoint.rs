//! Signed statements of the chain's length: they show when the end was cut off.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::Hash;
use crate::signing::{self, Envelope, KeyRing, Purpose, SignatureError};

/// The length and the head of the chain at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Entries up to and including the head.
    pub count: u64,
    /// Number of the last sealed entry; 0 for an empty chain.
    pub head_seq: i64,
    /// The hash of that entry.
    pub head_hash: Hash,
    /// When the checkpoint was signed, by the database's clock.
    pub at: Timestamp,
    /// The id of the workspace, which a file without its database needs to be verified; the first release wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above.
    pub signature: String,
}

impl Checkpoint {
    /// A signed checkpoint of a chain that ends with entry `head_seq`.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`] when the checkpoint has no canonical form, which does not happen.
    pub fn sign(keys: &KeyRing, head_seq: i64, head_hash: Hash, at: Timestamp) -> Result<Self, SignatureError> {
        let count = u64::try_from(head_seq).unwrap_or(0);
        let workspace = keys.workspace().map(str::to_owned);
        let mut checkpoint =
            Self { count, head_seq, head_hash, at, workspace, key_id: String::new(), signature: String::new() };
        signing::sign(keys, &mut checkpoint)?;
        Ok(checkpoint)
    }

    /// `keys` for verifying an exported record that this checkpoint closes, without its database: for the workspace that
    /// the checkpoint names, which its signature covers. Entries made before keys were derived for workspaces count; an
    /// export without a name is from before that.
    #[must_use]
    pub fn bind(&self, keys: &KeyRing) -> KeyRing {
        match &self.workspace {
            Some(workspace) => keys.bound_to(workspace, Some(self.at)),
            None => keys.clone(),
        }
    }
}

impl Envelope for Checkpoint {
    const PURPOSE: Purpose = Purpose::Checkpoint;

    fn made_at(&self) -> Timestamp {
        self.at
    }

    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}
