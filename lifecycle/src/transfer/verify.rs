//! The verdict on a signed file.

use policy::{Timestamp, bundle::Source};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::export::{Algorithm, FORMAT_VERSION};
use crate::signing::{KeyRing, PublicKey, SignatureError, verify_export_members};

/// The verdict on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// Signed with a key known here, unchanged, and still valid.
    Valid,
    /// Signed and unchanged, but expired.
    SignatureExpired,
    /// The file was changed, or was signed with another secret under the same key name.
    InvalidSignature,
    /// The key that the file names is not known here.
    UnknownKey,
    /// The file is signed, but its digest is not the bundle's.
    DigestMismatch,
    /// Not a signed bundle, or a malformed one.
    Malformed,
}

impl Verdict {
    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The verdict on a file with its reason, and what the file states about itself. Only a valid file's statements are to
/// be trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Whether the verdict is [`Verdict::Valid`].
    pub valid: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict in a sentence that also says what to do.
    pub message: String,
    /// JSON Pointer to the malformed member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Whether the file has no signature that can be verified, but a bundle that may be imported as an unsigned draft:
    /// a bare bundle, or an export of a tool that does not state how it signs.
    pub unsigned: bool,
    /// The key that the file names.
    pub key_id: Option<String>,
    /// The version of the file's bundle.
    pub version: Option<String>,
    /// The digest that the file states.
    pub digest: Option<String>,
    /// When the file was exported, according to the file.
    pub exported_at: Option<Timestamp>,
    /// When the file expires, according to the file.
    pub expires_at: Option<Timestamp>,
}

/// Verifies `document`. The order of the checks: is the document a signed bundle (`malformed`), is its key known
/// (`unknown_key`), is it unchanged (`invalid_signature`). Only then are its statements trusted: is the bundle readable
/// and does it have the stated digest (`digest_mismatch`), and has the file not expired (`signature_expired`).
pub fn verify_export(keys: &KeyRing, document: &Value, now: Timestamp) -> Verification {
    open_export(keys, document, now).0
}

/// Verifies `document` as [`verify_export`] does, and returns the bundle when the file is valid.
pub fn open_export(keys: &KeyRing, document: &Value, now: Timestamp) -> (Verification, Option<Source>) {
    open_with_partners(keys, &[], document, now)
}

/// Verifies `document` as [`open_export`] does; a file counts, too, that is signed with the private half of one of the
/// partners' keys.
pub fn open_with_partners(
    keys: &KeyRing,
    partners: &[PublicKey],
    document: &Value,
    now: Timestamp,
) -> (Verification, Option<Source>) {
    let stated = Stated::of(document);
    match check_export(keys, partners, document, now) {
        Ok(source) => (stated.verification(Verdict::Valid, "The signature is valid.".to_owned(), None), Some(source)),
        Err(VerificationFailure { verdict, message, field, unsigned }) => {
            let verification = stated.verification(verdict, message, field);
            (Verification { unsigned, ..verification }, None)
        }
    }
}

struct VerificationFailure {
    verdict: Verdict,
    message: String,
    field: Option<String>,
    unsigned: bool,
}

impl VerificationFailure {
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
/// Members that state how a file was signed.
const HOW_SIGNED: [&str; 3] = ["algorithm", "key_id", "digest"];

fn check_export(
    keys: &KeyRing,
    partners: &[PublicKey],
    document: &Value,
    now: Timestamp,
) -> Result<Source, VerificationFailure> {
    let members = match document {
        Value::Object(members) => members,
        Value::Array(_) => return Err(unsigned_bundle()),
        _ => return Err(VerificationFailure::malformed("", "This is neither a signed bundle nor a bundle.")),
    };
    let has = |name: &&str| members.contains_key(*name);
    let Some(bundle) = members.get("bundle") else {
        return Err(match members.contains_key("rules") && !ENVELOPE.iter().any(&has) {
            true => unsigned_bundle(),
            false => VerificationFailure::malformed("/bundle", "`bundle` is missing: this is not a signed bundle."),
        });
    };
    if !bundle.is_object() {
        return Err(VerificationFailure::malformed("/bundle", "`bundle` is not an object."));
    }
    if !HOW_SIGNED.iter().any(has) {
        return Err(unstated_signature(members.contains_key("signature")));
    }
    for name in ENVELOPE {
        if !members.get(name).is_some_and(Value::is_string) {
            return Err(VerificationFailure::malformed(
                &format!("/{name}"),
                format!("`{name}` is missing or is not text."),
            ));
        }
    }
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    let algorithms = [Algorithm::HmacSha256.name(), Algorithm::Ed25519.name()];
    for (name, readable) in [("format_version", &[FORMAT_VERSION][..]), ("algorithm", &algorithms)] {
        if !readable.contains(&text(name)) {
            let message =
                format!("`{name}` is `{}`; only `{}` can be read here.", text(name), readable.join("` and `"));
            return Err(VerificationFailure::malformed(&format!("/{name}"), message));
        }
    }
    let time = |name: &str| {
        text(name).parse::<Timestamp>().map_err(|_| {
            VerificationFailure::malformed(
                &format!("/{name}"),
                format!("`{name}` is not a time such as 2026-01-31T08:00:00Z."),
            )
        })
    };
    time("exported_at")?;
    let expires_at = time("expires_at")?;
    let by_pair = text("algorithm") == Algorithm::Ed25519.name();
    verify_export_members(keys, partners, members.clone())
        .map_err(|error| signature_failure(error, text("key_id"), by_pair))?;

    // From here on the file is known to be what its signer wrote.
    let source = Source::read(bundle.clone()).map_err(|faults| {
        let first = faults.first();
        let pointer = first.map_or("", |fault| fault.pointer.as_str());
        let detail = first.map_or("cannot be read", |fault| fault.detail.as_str());
        VerificationFailure::malformed(
            &format!("/bundle{pointer}"),
            format!("The bundle cannot be read: `{pointer}` {detail}."),
        )
    })?;
    let found = source.digest();
    if found.as_str() != text("digest") {
        let message = format!(
            "The file states the digest {}, its bundle has {found}: it was not exported correctly. Export it again.",
            text("digest")
        );
        return Err(VerificationFailure::new(Verdict::DigestMismatch, message));
    }
    if now >= expires_at {
        let message = format!("The signature expired at {expires_at}. Export the bundle again.");
        return Err(VerificationFailure::new(Verdict::SignatureExpired, message));
    }
    Ok(source)
}

fn signature_failure(error: SignatureError, key_id: &str, by_pair: bool) -> VerificationFailure {
    match error {
        SignatureError::UnknownKey(_) if by_pair => VerificationFailure::new(
            Verdict::UnknownKey,
            format!(
                "It was signed with the key `{key_id}`, which is not known here. Get the public key from the partner, and \
                 have an administrator propose it under Settings, Keys."
            ),
        ),
        SignatureError::UnknownKey(_) => VerificationFailure::new(
            Verdict::UnknownKey,
            format!(
                "It was signed with the key `{key_id}`, which is not known here. Give both environments the same \
                 HMAC_SECRET and HMAC_KEY_ID, or add the key to HMAC_PREVIOUS."
            ),
        ),
        SignatureError::Mismatch if by_pair => VerificationFailure::new(
            Verdict::InvalidSignature,
            "The signature does not match: the file was changed after it was exported. Get the file again.",
        ),
        SignatureError::Mismatch => VerificationFailure::new(
            Verdict::InvalidSignature,
            "The signature does not match: the file was changed after it was exported, or the other environment has \
             another HMAC_SECRET. Get the file again, or make HMAC_SECRET the same in both.",
        ),
        SignatureError::Malformed(name) => {
            VerificationFailure::malformed(&format!("/{name}"), format!("`{name}` is not written as it should be."))
        }
    }
}

fn unsigned_bundle() -> VerificationFailure {
    let message = "This is a bundle without a signature. It can be imported as an unsigned draft.";
    VerificationFailure { unsigned: true, ..VerificationFailure::malformed("/signature", message) }
}

fn unstated_signature(signed: bool) -> VerificationFailure {
    let message = if signed {
        "The file does not say how it was signed (no `algorithm`, `key_id` and `digest`; ApplyLens exports like that), \
         so its signature proves nothing here. Its bundle can be imported as an unsigned draft."
    } else {
        "The file holds a bundle without a signature. It can be imported as an unsigned draft."
    };
    let field = if signed { "/algorithm" } else { "/signature" };
    VerificationFailure { unsigned: true, ..VerificationFailure::malformed(field, message) }
}

/// The statements of a file about itself.
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
