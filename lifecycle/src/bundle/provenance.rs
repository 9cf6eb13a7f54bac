//! Where an imported bundle came from.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

/// The origin of a bundle that was imported from a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Whether the file had a valid signature when it was imported.
    pub signed: bool,
    /// When it was imported.
    pub imported_at: Timestamp,
    /// Who imported it.
    pub imported_by: String,
    /// The version in the file; the draft may have another.
    pub version: Option<String>,
    /// The content address of the bundle in the file.
    pub digest: String,
    /// Who created the bundle, according to the file.
    pub created_by: Option<String>,
    /// Name of the key that signed.
    pub key_id: Option<String>,
    /// When it was exported.
    pub exported_at: Option<Timestamp>,
    /// The signature.
    pub signature: Option<String>,
}

impl Provenance {
    /// The origin in words: `signed with key main, exported … as 2.4.0`.
    pub fn describe(&self) -> String {
        let version = self.version.as_ref().map(|version| format!(" as {version}")).unwrap_or_default();
        match (&self.key_id, self.exported_at) {
            (Some(key_id), Some(exported_at)) if self.signed => {
                format!("signed with the key `{key_id}`, exported at {exported_at}{version}")
            }
            _ => format!("from an unsigned file{version}"),
        }
    }
}
