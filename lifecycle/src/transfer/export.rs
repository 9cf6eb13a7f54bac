//! A bundle as a signed file: the signature covers everything, including the expiry.

use std::time::Duration;

use policy::{Timestamp, bundle::Source};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::signing::{Envelope, KeyRing, Purpose, SignatureError, sign, sign_with_pair};

/// Version of the file's shape.
pub const FORMAT_VERSION: &str = "1.0";
/// How a file is signed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, strum::EnumString, strum::IntoStaticStr,
)]
pub enum Algorithm {
    /// With a secret: who can verify can sign, too.
    #[default]
    #[serde(rename = "HMAC-SHA256")]
    #[strum(to_string = "HMAC-SHA256", serialize = "hmac-sha256")]
    HmacSha256,
    /// With a key pair: anyone with the published key can verify, and only this workspace can sign.
    #[strum(to_string = "Ed25519", serialize = "ed25519")]
    Ed25519,
}

impl Algorithm {
    /// The name in files.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
/// Hours for which an export is valid by default.
pub const DEFAULT_HOURS: u32 = 24;
/// The range of hours for which an export may be valid.
pub const HOURS: std::ops::RangeInclusive<u32> = 1..=720;

/// A signed bundle. The signature covers every other member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// [`FORMAT_VERSION`]
    pub format_version: String,
    /// [`Algorithm::name`]
    pub algorithm: String,
    /// Name of the key that signed.
    pub key_id: String,
    /// The bundle as written, with its version and its creator.
    pub bundle: Map<String, Value>,
    /// The bundle's content address.
    pub digest: String,
    /// When the file was exported.
    pub exported_at: Timestamp,
    /// When the file expires and is refused.
    pub expires_at: Timestamp,
    /// The signature in hex over the canonical JSON of everything above.
    pub signature: String,
}

impl Envelope for Export {
    const PURPOSE: Purpose = Purpose::Export;

    fn made_at(&self) -> Timestamp {
        self.exported_at
    }

    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}

impl Export {
    /// The file's text: canonical JSON (RFC 8785), exactly the form that is signed.
    pub fn to_text(&self) -> String {
        serde_json_canonicalizer::to_string(self).unwrap_or_default()
    }
}

/// Why a bundle was not exported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportRefused {
    /// The lifetime is out of range.
    #[error("an export is valid for {least} to {most} hours, not {0}", least = HOURS.start(), most = HOURS.end())]
    Hours(u32),
    /// The export could not be signed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Exports `source`, created by `created_by`, valid for `hours` hours from `now`.
///
/// # Errors
/// See [`ExportRefused`].
pub fn export(
    keys: &KeyRing,
    source: &Source,
    created_by: Option<&str>,
    now: Timestamp,
    hours: u32,
) -> Result<Export, ExportRefused> {
    export_with(keys, Algorithm::HmacSha256, source, created_by, now, hours)
}

/// Exports as [`export`] does, signed as `algorithm` says.
///
/// # Errors
/// See [`ExportRefused`].
pub fn export_with(
    keys: &KeyRing,
    algorithm: Algorithm,
    source: &Source,
    created_by: Option<&str>,
    now: Timestamp,
    hours: u32,
) -> Result<Export, ExportRefused> {
    if !HOURS.contains(&hours) {
        return Err(ExportRefused::Hours(hours));
    }
    let mut bundle = match source.to_value() {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    if let Some(name) = created_by {
        bundle.insert("created_by".to_owned(), Value::from(name));
    }
    let mut export = Export {
        format_version: FORMAT_VERSION.to_owned(),
        algorithm: algorithm.name().to_owned(),
        key_id: String::new(),
        bundle,
        digest: source.digest().to_string(),
        exported_at: now,
        expires_at: now.plus(Duration::from_secs(u64::from(hours) * 60 * 60)),
        signature: String::new(),
    };
    match algorithm {
        Algorithm::HmacSha256 => sign(keys, &mut export)?,
        Algorithm::Ed25519 => sign_with_pair(keys, &mut export)?,
    }
    Ok(export)
}
