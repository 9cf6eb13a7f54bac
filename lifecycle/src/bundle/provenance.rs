//! The origin of an imported bundle.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

/// The origin of a bundle that was imported from a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Whether the file had a valid signature when it was imported.
    pub signed: bool,
    /// When the bundle was imported.
    pub imported_at: Timestamp,
    /// The person who imported the bundle.
    pub imported_by: String,
    /// The version in the file; the draft may have a different version.
    pub version: Option<String>,
    /// The content address of the bundle in the file.
    pub digest: String,
    /// The creator of the bundle, according to the file.
    pub created_by: Option<String>,
    /// Name of the key that signed the file.
    pub key_id: Option<String>,
    /// When the file was exported.
    pub exported_at: Option<Timestamp>,
    /// The signature of the file.
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
