//! A bundle that travels between instances: signed as a whole, its expiry included.

use std::time::Duration;

use policy::{Timestamp, bundle::Source};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::signing::{Envelope, KeyRing, SignatureError, sign, verify_members};

/// Version of the file's shape.
pub const FORMAT_VERSION: &str = "1.0";
/// How files are signed.
pub const ALGORITHM: &str = "HMAC-SHA256";
/// Hours an export is valid unless asked otherwise.
pub const DEFAULT_HOURS: u32 = 24;
/// Fewest and most hours an export may be valid.
pub const HOURS: std::ops::RangeInclusive<u32> = 1..=720;

/// A signed bundle. The signature covers every other member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// [`FORMAT_VERSION`]
    pub format_version: String,
    /// [`ALGORITHM`]
    pub algorithm: String,
    /// Name of the key that signed.
    pub key_id: String,
    /// The bundle as written, with its version and who made it.
    pub bundle: Map<String, Value>,
    /// The bundle's content address.
    pub digest: String,
    /// When it was exported.
    pub exported_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// HMAC-SHA256 in hex over the canonical JSON of everything above.
    pub signature: String,
}

impl Envelope for Export {
    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}

impl Export {
    /// The file: canonical JSON (RFC 8785), the very form that is signed.
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
    /// It could not be signed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Signs `source`, made by `created_by`, for `hours` from `now` on.
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
        algorithm: ALGORITHM.to_owned(),
        key_id: String::new(),
        bundle,
        digest: source.digest().to_string(),
        exported_at: now,
        expires_at: now.plus(Duration::from_secs(u64::from(hours) * 60 * 60)),
        signature: String::new(),
    };
    sign(keys, &mut export)?;
    Ok(export)
}

/// What there is to say about a file. Exactly one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Signed with a key known here, unchanged, and still valid.
    Valid,
    /// Signed and unchanged, but its time is over.
    SignatureExpired,
    /// Something was changed, or the secret is another one.
    InvalidSignature,
    /// The key that it says signed it is not known here.
    UnknownKey,
    /// Signed, but the digest is not that of the bundle.
    DigestMismatch,
    /// Not a signed bundle, or not one that is written as it should be.
    Malformed,
}

impl Verdict {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::SignatureExpired => "signature_expired",
            Self::InvalidSignature => "invalid_signature",
            Self::UnknownKey => "unknown_key",
            Self::DigestMismatch => "digest_mismatch",
            Self::Malformed => "malformed",
        }
    }
}

/// The verdict on a file, why, and what the file says about itself. What it says is to be believed when it is valid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Whether the verdict is [`Verdict::Valid`].
    pub valid: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict in a sentence that says what to do.
    pub message: String,
    /// JSON Pointer to what is malformed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Whether there is no signature of ours to judge, but a bundle that may be imported as an unsigned draft: a bare
    /// bundle, or the export of a tool that does not say how it signs.
    pub unsigned: bool,
    /// The key it names.
    pub key_id: Option<String>,
    /// The version of its bundle.
    pub version: Option<String>,
    /// The digest it states.
    pub digest: Option<String>,
    /// When it says it was exported.
    pub exported_at: Option<Timestamp>,
    /// From when on it says it is refused.
    pub expires_at: Option<Timestamp>,
}

/// Judges `document`. The order of the checks is: is it a signed bundle at all (`malformed`), do we have its key
/// (`unknown_key`), is anything changed (`invalid_signature`); only then what it says is believed: is the bundle
/// readable and the one that its digest names (`digest_mismatch`), and is there time left (`signature_expired`).
pub fn verify_export(keys: &KeyRing, document: &Value, now: Timestamp) -> Verification {
    open_export(keys, document, now).0
}

/// The same, and the bundle when the file is valid.
pub fn open_export(keys: &KeyRing, document: &Value, now: Timestamp) -> (Verification, Option<Source>) {
    let stated = Stated::of(document);
    match judge(keys, document, now) {
        Ok(source) => (stated.verification(Verdict::Valid, "The signature is valid.".to_owned(), None), Some(source)),
        Err(Fault { verdict, message, field, unsigned }) => {
            let verification = stated.verification(verdict, message, field);
            (Verification { unsigned, ..verification }, None)
        }
    }
}

struct Fault {
    verdict: Verdict,
    message: String,
    field: Option<String>,
    unsigned: bool,
}

impl Fault {
    fn new(verdict: Verdict, message: impl Into<String>) -> Self {
        Self { verdict, message: message.into(), field: None, unsigned: false }
    }

    fn malformed(field: &str, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(Verdict::Malformed, message) }
    }
}

/// Members that only a signed file has.
const ENVELOPE: [&str; 7] =
    ["format_version", "algorithm", "key_id", "digest", "exported_at", "expires_at", "signature"];
/// Members without which nobody can tell how a file was signed.
const HOW_SIGNED: [&str; 3] = ["algorithm", "key_id", "digest"];

fn judge(keys: &KeyRing, document: &Value, now: Timestamp) -> Result<Source, Fault> {
    let members = match document {
        Value::Object(members) => members,
        Value::Array(_) => return Err(bare()),
        _ => return Err(Fault::malformed("", "This is neither a signed bundle nor a bundle.")),
    };
    let has = |name: &&str| members.contains_key(*name);
    let Some(bundle) = members.get("bundle") else {
        return Err(match members.contains_key("rules") && !ENVELOPE.iter().any(&has) {
            true => bare(),
            false => Fault::malformed("/bundle", "`bundle` is missing: this is not a signed bundle."),
        });
    };
    if !bundle.is_object() {
        return Err(Fault::malformed("/bundle", "`bundle` is not an object."));
    }
    if !HOW_SIGNED.iter().any(has) {
        return Err(foreign(members.contains_key("signature")));
    }
    for name in ENVELOPE {
        if !members.get(name).is_some_and(Value::is_string) {
            return Err(Fault::malformed(&format!("/{name}"), format!("`{name}` is missing or is not text.")));
        }
    }
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    for (name, wanted) in [("format_version", FORMAT_VERSION), ("algorithm", ALGORITHM)] {
        if text(name) != wanted {
            let message = format!("`{name}` is `{}`; only `{wanted}` can be read here.", text(name));
            return Err(Fault::malformed(&format!("/{name}"), message));
        }
    }
    let time = |name: &str| {
        text(name).parse::<Timestamp>().map_err(|_| {
            Fault::malformed(&format!("/{name}"), format!("`{name}` is not a time such as 2026-01-31T08:00:00Z."))
        })
    };
    time("exported_at")?;
    let expires_at = time("expires_at")?;
    verify_members(keys, members.clone(), &[]).map_err(|refusal| refused(refusal, text("key_id")))?;

    // From here on the file says what its signer wrote.
    let source = Source::read(bundle.clone()).map_err(|faults| {
        let first = faults.first();
        let pointer = first.map_or("", |fault| fault.pointer.as_str());
        let detail = first.map_or("cannot be read", |fault| fault.detail.as_str());
        Fault::malformed(&format!("/bundle{pointer}"), format!("The bundle cannot be read: `{pointer}` {detail}."))
    })?;
    let found = source.digest();
    if found.as_str() != text("digest") {
        let message = format!(
            "The file states the digest {}, its bundle has {found}: it was not exported correctly. Export it again.",
            text("digest")
        );
        return Err(Fault::new(Verdict::DigestMismatch, message));
    }
    if now >= expires_at {
        let message = format!("The signature expired at {expires_at}. Export the bundle again.");
        return Err(Fault::new(Verdict::SignatureExpired, message));
    }
    Ok(source)
}

fn refused(refusal: SignatureError, key_id: &str) -> Fault {
    match refusal {
        SignatureError::UnknownKey => Fault::new(
            Verdict::UnknownKey,
            format!(
                "It was signed with the key `{key_id}`, which is not known here. Give both environments the same \
                 HMAC_SECRET and HMAC_KEY_ID, or add the key to HMAC_PREVIOUS."
            ),
        ),
        SignatureError::Mismatch => Fault::new(
            Verdict::InvalidSignature,
            "The signature does not match: the file was changed after it was exported, or the other environment has \
             another HMAC_SECRET. Get the file again, or make HMAC_SECRET the same in both.",
        ),
        SignatureError::Malformed(name) => {
            Fault::malformed(&format!("/{name}"), format!("`{name}` is not written as it should be."))
        }
    }
}

fn bare() -> Fault {
    let message = "This is a bundle without a signature. It can be imported as an unsigned draft.";
    Fault { unsigned: true, ..Fault::malformed("/signature", message) }
}

fn foreign(signed: bool) -> Fault {
    let message = if signed {
        "The file does not say how it was signed (no `algorithm`, `key_id` and `digest`; ApplyLens exports like that), \
         so its signature proves nothing here. Its bundle can be imported as an unsigned draft."
    } else {
        "The file holds a bundle without a signature. It can be imported as an unsigned draft."
    };
    let field = if signed { "/algorithm" } else { "/signature" };
    Fault { unsigned: true, ..Fault::malformed(field, message) }
}

/// What a file says about itself.
struct Stated<'a>(&'a Value);

impl<'a> Stated<'a> {
    const fn of(document: &'a Value) -> Self {
        Self(document)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    fn verification(&self, verdict: Verdict, message: String, field: Option<String>) -> Verification {
        let bundle = self.0.get("bundle").unwrap_or(self.0);
        Verification {
            valid: verdict == Verdict::Valid,
            verdict,
            message,
            field,
            unsigned: false,
            key_id: self.text("key_id"),
            version: bundle.get("version").and_then(Value::as_str).map(str::to_owned),
            digest: self.text("digest"),
            exported_at: self.text("exported_at").and_then(|at| at.parse().ok()),
            expires_at: self.text("expires_at").and_then(|at| at.parse().ok()),
        }
    }
}
