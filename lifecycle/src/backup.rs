//! What a backup says about itself: its parts with their digests, and how much it holds.

use std::collections::BTreeMap;

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::signing::{self, Envelope, KeyRing, Purpose, SignatureError};

/// The part with the database.
pub const DATABASE: &str = "database.dump";

/// The part with the manifest: the last one, because it has the digests of the others.
pub const MANIFEST: &str = "manifest.json";

/// One part of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Size in bytes.
    pub bytes: u64,
    /// The SHA-256, in hexadecimal.
    pub sha256: String,
}

/// The signed description of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this format.
    pub format_version: String,
    /// When the backup was begun, by the database's clock: it holds what was committed before.
    pub at: Timestamp,
    /// The id of the workspace.
    pub workspace: String,
    /// The version of the program that wrote it.
    pub program: String,
    /// The newest migration in it.
    pub schema: i64,
    /// The major version of PostgreSQL that it comes from.
    pub postgres: u32,
    /// The parts, by name.
    pub parts: BTreeMap<String, Part>,
    /// How many rows each table has.
    pub rows: BTreeMap<String, u64>,
    /// The roles of PostgreSQL that have rights in the database besides its owner.
    pub roles: Vec<String>,
    /// Entries of the audit record.
    pub audit_entries: u64,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above.
    pub signature: String,
}

impl Manifest {
    /// The version that this program writes.
    pub const FORMAT: &'static str = "1.0";

    /// Signs the manifest with the keys of its workspace.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`] when it has no canonical form, which does not happen.
    pub fn sign(&mut self, keys: &KeyRing) -> Result<(), SignatureError> {
        signing::sign(keys, self)
    }

    /// Checks the signature with `keys`, which need not be bound to the workspace yet.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, keys: &KeyRing) -> Result<(), SignatureError> {
        signing::verify(&keys.bound_to(&self.workspace, None), self)
    }
}

impl Envelope for Manifest {
    const PURPOSE: Purpose = Purpose::Backup;

    fn made_at(&self) -> Timestamp {
        self.at
    }

    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::Key;

    #[test]
    fn a_changed_manifest_and_a_foreign_one_are_refused() {
        let keys = KeyRing { current: Key::new("k", "a secret that is long enough"), previous: Vec::new() };
        let mut manifest = Manifest {
            format_version: Manifest::FORMAT.to_owned(),
            at: "2026-05-01T10:00:00Z".parse().unwrap(),
            workspace: "w".to_owned(),
            program: "1.0.0".to_owned(),
            schema: 30,
            postgres: 15,
            parts: [(DATABASE.to_owned(), Part { bytes: 3, sha256: "ab".to_owned() })].into(),
            rows: [("people".to_owned(), 2)].into(),
            roles: vec!["countersign".to_owned()],
            audit_entries: 9,
            key_id: String::new(),
            signature: String::new(),
        };
        manifest.sign(&keys.bound_to("w", None)).unwrap();
        let read: Manifest = serde_json::from_str(&serde_json::to_string(&manifest).unwrap()).unwrap();
        assert_eq!(read.verify(&keys), Ok(()));
        for change in [
            |manifest: &mut Manifest| manifest.rows.clear(),
            |manifest: &mut Manifest| manifest.audit_entries -= 1,
            |manifest: &mut Manifest| manifest.workspace.push('x'),
            |manifest: &mut Manifest| manifest.parts.clear(),
        ] {
            let mut changed = manifest.clone();
            change(&mut changed);
            assert_eq!(changed.verify(&keys), Err(SignatureError::Mismatch));
        }
        let others = KeyRing { current: Key::new("o", "another secret, as long"), previous: Vec::new() };
        assert_eq!(manifest.verify(&others), Err(SignatureError::UnknownKey("k".to_owned())));
    }
}
