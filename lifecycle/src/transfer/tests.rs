//! Verifying signed bundles.

use std::time::Duration;

use policy::{Timestamp, bundle::Source, json as strict};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Export, Upload, Verdict, Verification,
    export::{ExportRefused, export},
    open_export, verify_export,
};
use crate::signing::{Key, KeyRing, sign};

fn ring() -> KeyRing {
    KeyRing { current: Key::new("k2", "second secret"), previous: vec![Key::new("k1", "first secret")] }
}

fn now() -> Timestamp {
    "2026-01-31T08:00:00.123456Z".parse().unwrap()
}

fn source() -> Source {
    Source::read(json!({
        "version": "2.4.0", "base_version": "2.3.0", "notes": "Über alles", "default_effect": "deny", "x-team": [1, null],
        "schema": {"agents": {"inbox.triage": {"actions": ["quarantine"], "fields": {"risk_score": {"type": "integer"}}}}},
        "rules": [{
            "id": "quarantine-high-risk", "agent": "inbox.triage", "action": "quarantine", "effect": "allow",
            "conditions": {">=risk_score": 90, "category": ["phishing", "malware"]}, "priority": 80,
            "reason": "Auto-quarantine \"high-risk\" mail", "budget": {"cost": 0.05, "compute": 1, "risk": "low"},
        }],
    }))
    .unwrap()
}

fn signed() -> Export {
    export(&ring(), &source(), Some("ada@example.com"), now(), 24).unwrap()
}

fn value(export: &Export) -> Value {
    serde_json::to_value(export).unwrap()
}

fn verify(document: &Value) -> Verification {
    verify_export(&ring(), document, now().plus(Duration::from_secs(60)))
}

/// A file as a server receives it.
fn verify_bytes(bytes: &[u8]) -> Option<Verification> {
    let document = strict::parse(bytes).ok()?;
    Some(verify(&Upload::parse(document).ok()?.document))
}

#[test]
fn what_was_exported_is_valid_and_comes_back_whole() {
    let text = signed().to_text();
    let (verification, opened) = open_export(&ring(), &strict::parse(text.as_bytes()).unwrap(), now());
    assert_eq!(verification.verdict, Verdict::Valid, "{verification:?}");
    assert_eq!((verification.version.as_deref(), verification.key_id.as_deref()), (Some("2.4.0"), Some("k2")));
    assert_eq!(opened.unwrap(), source());
    // Whitespace does not matter: `curl -d @file` removes the line breaks.
    let pretty = serde_json::to_string_pretty(&signed()).unwrap();
    assert!(verify_bytes(pretty.as_bytes()).unwrap().valid);
    assert!(verify_bytes(pretty.replace('\n', "").as_bytes()).unwrap().valid);
}

/// The verdict on a file with one changed byte, derived from the text alone: first the envelope's shape, then the key,
/// then the signature.
fn expected(original: &Value, changed: &Value) -> (Verdict, Option<String>) {
    let (original, changed) = (original.as_object().unwrap(), changed.as_object().unwrap());
    let malformed = |name: &str| (Verdict::Malformed, Some(format!("/{name}")));
    for (name, was) in original {
        let Some(now) = changed.get(name) else { return malformed(name) };
        let well_formed = match name.as_str() {
            "format_version" | "algorithm" => now == was,
            "bundle" => now.is_object(),
            "exported_at" | "expires_at" => now.as_str().is_some_and(|at| at.parse::<Timestamp>().is_ok()),
            "signature" => now.as_str().is_some_and(|hex| {
                hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            }),
            _ => now.is_string(),
        };
        if !well_formed {
            return malformed(name);
        }
    }
    if !["k1", "k2"].iter().any(|known| changed["key_id"] == *known) {
        return (Verdict::UnknownKey, None);
    }
    (Verdict::InvalidSignature, None)
}

#[test]
fn every_byte_flipped_in_turn_is_refused_with_the_right_reason() {
    let text = signed().to_text();
    let original: Value = serde_json::from_str(&text).unwrap();
    let mut seen = std::collections::BTreeMap::<&str, usize>::new();
    for at in 0..text.len() {
        for mask in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= mask;
            let Some(verification) = verify_bytes(&bytes) else {
                // Not JSON, or a duplicate name: refused before any verdict.
                assert!(strict::parse(&bytes).is_err(), "{}", String::from_utf8_lossy(&bytes));
                *seen.entry("no JSON").or_default() += 1;
                continue;
            };
            let flipped = format!("byte {at} ^ {mask:#x}: {}", String::from_utf8_lossy(&bytes));
            assert!(!verification.valid, "{flipped}");
            assert!(!verification.unsigned, "it looks unsigned: {flipped}");
            let (verdict, field) = expected(&original, &strict::parse(&bytes).unwrap());
            assert_eq!(verification.verdict, verdict, "{}: {flipped}", verification.message);
            if verdict == Verdict::Malformed {
                assert_eq!(verification.field, field, "{}: {flipped}", verification.message);
            }
            *seen.entry(verdict.name()).or_default() += 1;
        }
    }
    for reason in ["no JSON", "malformed", "unknown_key", "invalid_signature"] {
        assert!(seen.contains_key(reason), "{seen:?}");
    }
}

#[test]
fn every_member_is_covered_and_the_reason_is_the_right_one() {
    let cases = [
        ("/expires_at", json!("2027-01-31T08:00:00.123456Z"), Verdict::InvalidSignature, None),
        ("/exported_at", json!("2026-01-30T08:00:00.123456Z"), Verdict::InvalidSignature, None),
        ("/bundle/rules/0/effect", json!("deny"), Verdict::InvalidSignature, None),
        ("/bundle/version", json!("9.9.9"), Verdict::InvalidSignature, None),
        ("/digest", json!(format!("sha256:{}", "0".repeat(64))), Verdict::InvalidSignature, None),
        ("/signature", json!("0".repeat(64)), Verdict::InvalidSignature, None),
        ("/key_id", json!("k1"), Verdict::InvalidSignature, None),
        ("/key_id", json!("k9"), Verdict::UnknownKey, None),
        ("/signature", json!("zz"), Verdict::Malformed, Some("/signature")),
        ("/signature", Value::Null, Verdict::Malformed, Some("/signature")),
        ("/expires_at", json!("tomorrow"), Verdict::Malformed, Some("/expires_at")),
        ("/exported_at", json!(17), Verdict::Malformed, Some("/exported_at")),
        ("/format_version", json!("2.0"), Verdict::Malformed, Some("/format_version")),
        ("/algorithm", json!("none"), Verdict::Malformed, Some("/algorithm")),
        ("/bundle", json!([]), Verdict::Malformed, Some("/bundle")),
    ];
    for (pointer, changed, verdict, field) in cases {
        let mut document = value(&signed());
        *document.pointer_mut(pointer).unwrap() = changed;
        let verification = verify(&document);
        assert_eq!(
            (verification.verdict, verification.field.as_deref()),
            (verdict, field),
            "{pointer}: {verification:?}"
        );
        assert!(!verification.valid && !verification.unsigned && !verification.message.is_empty());
    }
    let mut with_more = value(&signed());
    with_more["comment"] = json!("approved by the board");
    assert_eq!(verify(&with_more).verdict, Verdict::InvalidSignature, "members are not added either");
}

#[test]
fn a_file_is_valid_until_its_last_moment() {
    let export = signed();
    let document = value(&export);
    let at = |at| verify_export(&ring(), &document, at);
    assert!(at(export.expires_at.minus(Duration::from_micros(1))).valid);
    let expired = at(export.expires_at);
    assert_eq!(expired.verdict, Verdict::SignatureExpired);
    assert!(expired.message.contains(&export.expires_at.to_string()), "{}", expired.message);
    assert_eq!(at(now().plus(Duration::from_secs(365 * 24 * 60 * 60))).verdict, Verdict::SignatureExpired);
    // A changed file is a changed file, however old: none of its statements is trusted, not even the expiry.
    let mut changed = document.clone();
    changed["expires_at"] = json!("2020-01-01T00:00:00Z");
    assert_eq!(verify(&changed).verdict, Verdict::InvalidSignature);
}

#[test]
fn hours_have_bounds() {
    for hours in [0, 721, u32::MAX] {
        assert_eq!(export(&ring(), &source(), None, now(), hours), Err(ExportRefused::Hours(hours)));
    }
    for hours in [1, 720] {
        let export = export(&ring(), &source(), None, now(), hours).unwrap();
        assert_eq!(export.expires_at.since(export.exported_at), Duration::from_secs(u64::from(hours) * 3600));
    }
}

#[test]
fn keys_rotate() {
    let old = KeyRing { current: Key::new("k1", "first secret"), previous: Vec::new() };
    let before = export(&old, &source(), None, now(), 24).unwrap();
    assert!(verify(&value(&before)).valid, "an earlier key verifies");
    assert_eq!(signed().key_id, "k2", "only the current key signs");
    assert_eq!(verify_export(&old, &value(&signed()), now()).verdict, Verdict::UnknownKey);
    let other_secret = KeyRing { current: Key::new("k2", "another secret"), previous: Vec::new() };
    assert_eq!(verify_export(&other_secret, &value(&signed()), now()).verdict, Verdict::InvalidSignature);
}

#[test]
fn a_signed_but_wrong_digest_is_found() {
    let mut export = signed();
    export.digest = Source::default().digest().to_string();
    sign(&ring(), &mut export).unwrap();
    assert_eq!(verify(&value(&export)).verdict, Verdict::DigestMismatch);
    let mut export = signed();
    export.bundle.insert("rules".to_owned(), json!([7]));
    sign(&ring(), &mut export).unwrap();
    let verification = verify(&value(&export));
    assert_eq!((verification.verdict, verification.field.as_deref()), (Verdict::Malformed, Some("/bundle/rules/0")));
}

#[test]
fn exports_of_other_tools_are_refused_and_their_bundle_can_be_taken() {
    let bare = json!({"version": "2.1.0", "rules": []});
    let foreign = json!({
        "bundle": bare, "signature": "ab".repeat(32), "exported_at": "2026-01-31T08:00:00Z",
        "expires_at": "2026-02-01T08:00:00Z", "format_version": "1.0",
    });
    let verification = verify(&foreign);
    assert_eq!((verification.verdict, verification.unsigned), (Verdict::Malformed, true));
    assert!(verification.message.contains("does not say how it was signed"), "{}", verification.message);
    assert_eq!(verification.version.as_deref(), Some("2.1.0"));
    assert_eq!(Upload::parse(foreign).unwrap().bundle(), bare);
    for document in [bare.clone(), json!([]), json!({"bundle": bare})] {
        let verification = verify(&document);
        assert_eq!((verification.verdict, verification.unsigned), (Verdict::Malformed, true), "{document}");
    }
    for document in [json!(7), json!({}), json!({"signature": "x", "rules": []}), json!(null)] {
        assert!(!verify(&document).unsigned, "{document}");
    }
}

#[test]
fn a_file_may_be_wrapped_with_options() {
    let file = value(&signed());
    let mut with_option = file.clone();
    with_option["import_as_version"] = json!("3.0.0");
    for body in [
        with_option,
        json!({"export": file, "import_as_version": "3.0.0"}),
        json!({"signed_bundle": file, "import_as_version": "3.0.0"}),
        json!({"bundle": file, "import_as_version": "3.0.0"}),
    ] {
        let upload = Upload::parse(body).unwrap();
        assert_eq!(upload.document, file);
        assert_eq!((upload.import_as_version.as_deref(), upload.unsigned), (Some("3.0.0"), false));
    }
    let bare = Upload::parse(json!({"bundle": {"rules": []}, "unsigned": true})).unwrap();
    assert_eq!((&bare.document, bare.unsigned), (&json!({"bundle": {"rules": []}}), true));
    assert!(Upload::parse(json!({"import_as_version": 3})).is_err());
    assert!(Upload::parse(json!({"unsigned": "yes"})).is_err());
}

proptest! {
    #[test]
    fn any_replaced_byte_is_refused_or_changes_nothing(
        notes in ".{0,20}", priority in 0_u16..=1000, cost in 0.0_f64..1e9,
        at in any::<prop::sample::Index>(), to in any::<u8>(),
    ) {
        let mut source = source();
        source.notes = notes;
        source.rules[0]["priority"] = json!(priority);
        source.rules[0]["budget"]["cost"] = json!(cost);
        let export = export(&ring(), &source, None, now(), 24).unwrap();
        let mut bytes = export.to_text().into_bytes();
        prop_assert!(verify_bytes(&bytes).unwrap().valid, "{}", export.to_text());
        let at = at.index(bytes.len());
        bytes[at] = to;
        if verify_bytes(&bytes).is_some_and(|verification| verification.valid) {
            let read = strict::parse(&bytes).unwrap();
            prop_assert_eq!(policy::bundle::canonical::canonical(&read), export.to_text());
        }
    }
}
