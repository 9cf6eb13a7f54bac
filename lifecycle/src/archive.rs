//! Days of the decision log as files: what a manifest says, and checking a file against it.
//!
//! A file has a line of JSON for each decision, in the order in which they were recorded, then one for each outcome, and
//! the manifest in the last line.

use policy::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::signing::{self, Envelope, KeyRing, Purpose, SignatureError};

/// The format of the files.
pub const FORMAT: &str = "countersign.decisions.v1";

/// What a file holds, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The workspace, which a file without its database needs to be verified.
    pub workspace: Option<String>,
    /// The day (UTC), such as `2026-08-31`.
    pub day: String,
    /// The number of decisions.
    pub decisions: u64,
    /// `sha256:` and the hash of the lines of decisions: what the audit record says of the closed day.
    pub decisions_digest: String,
    /// The number of outcomes.
    pub outcomes: u64,
    /// `sha256:` and the hash of the lines of outcomes.
    pub outcomes_digest: String,
    /// When the day was archived, by the database's clock.
    pub archived_at: Timestamp,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above.
    pub signature: String,
}

impl Envelope for Manifest {
    const PURPOSE: Purpose = Purpose::Archive;

    fn made_at(&self) -> Timestamp {
        self.archived_at
    }

    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}

impl Manifest {
    /// Checks the signature without the database, with `keys` for the workspace that the manifest names.
    ///
    /// # Errors
    /// See [`signing::verify`].
    pub fn verify(&self, keys: &KeyRing) -> Result<(), SignatureError> {
        match &self.workspace {
            Some(workspace) => signing::verify(&keys.bound_to(workspace, None), self),
            None => signing::verify(keys, self),
        }
    }
}

/// The hash of lines.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    hash: Sha256,
    count: u64,
}

impl Lines {
    /// Adds a line, given without its end.
    pub fn push(&mut self, line: &str) {
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
        self.count += 1;
    }

    /// The number of lines so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// `sha256:` and the hash of all lines.
    pub fn digest(&self) -> String {
        format!("sha256:{}", hex::encode(self.hash.clone().finalize()))
    }
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The last line is no manifest: the file was cut off, or is none of these.
    #[error("it does not end with the manifest of a day: it is incomplete, or another kind of file")]
    NoManifest,
    /// Another format.
    #[error("its format is `{0}`, and this program reads `{FORMAT}`")]
    Format(String),
    /// The number of lines differs.
    #[error("it has {found} lines of decisions and outcomes, and its manifest says {expected}")]
    Count {
        /// The manifest's number.
        expected: u64,
        /// The lines that there are.
        found: u64,
    },
    /// The decisions differ.
    #[error("its decisions are not the ones that were archived")]
    Decisions,
    /// The outcomes differ.
    #[error("its outcomes are not the ones that were archived")]
    Outcomes,
    /// The manifest's signature.
    #[error("its manifest is not to be relied on: {0}")]
    Signature(SignatureError),
}

/// Reads a manifest.
///
/// # Errors
/// [`Wrong::NoManifest`], [`Wrong::Format`].
pub fn manifest(line: &str) -> Result<Manifest, Wrong> {
    let manifest: Manifest = serde_json::from_str(line).map_err(|_| Wrong::NoManifest)?;
    if manifest.format == FORMAT { Ok(manifest) } else { Err(Wrong::Format(manifest.format)) }
}

/// Compares what was read with what the manifest says.
///
/// # Errors
/// The first difference.
pub fn compare(manifest: &Manifest, decisions: &Lines, outcomes: &Lines) -> Result<(), Wrong> {
    let (expected, found) =
        (manifest.decisions.saturating_add(manifest.outcomes), decisions.count().saturating_add(outcomes.count()));
    if expected != found {
        return Err(Wrong::Count { expected, found });
    }
    if decisions.digest() != manifest.decisions_digest || decisions.count() != manifest.decisions {
        return Err(Wrong::Decisions);
    }
    if outcomes.digest() != manifest.outcomes_digest { Err(Wrong::Outcomes) } else { Ok(()) }
}
