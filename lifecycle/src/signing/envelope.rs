//! Signing and verifying whole envelopes.

use policy::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Key, KeyRing, PublicKey, Purpose, SignatureError};

/// A document that carries its own signature: its member `signature` covers every other member, made with the key that
/// `key_id` names.
pub trait Envelope: Serialize {
    /// What the signature is for; a signature for another purpose does not count.
    const PURPOSE: Purpose;

    /// Members that the signature does not cover, besides `signature` itself: ids that the database assigns later.
    const UNSIGNED: &'static [&'static str] = &[];

    /// When the document was made: a member that the signature covers.
    fn made_at(&self) -> Timestamp;

    /// Writes the name of the key and the signature into the envelope.
    fn seal(&mut self, key_id: String, signature: String);
}

/// Signs `envelope` with the ring's current key and writes `key_id` and `signature` into it.
///
/// # Errors
/// [`SignatureError::Malformed`] when the envelope has no canonical JSON form (a number that is not finite).
pub fn sign<T: Envelope>(keys: &KeyRing, envelope: &mut T) -> Result<(), SignatureError> {
    let key = &keys.current;
    envelope.seal(key.id.clone(), String::new());
    let signature = hex::encode(key.authenticate(T::PURPOSE, &[&signed_bytes(envelope)?]));
    envelope.seal(key.id.clone(), signature);
    Ok(())
}

/// Checks the envelope's signature with the key it names, in constant time.
///
/// # Errors
/// [`SignatureError::UnknownKey`] when the ring does not have that key, [`SignatureError::Mismatch`] when anything
/// differs from what was signed, [`SignatureError::Malformed`] when `key_id` or `signature` is missing or malformed.
pub fn verify<T: Envelope>(keys: &KeyRing, envelope: &T) -> Result<(), SignatureError> {
    check(keys, members(envelope)?, T::UNSIGNED, T::PURPOSE, Some(envelope.made_at()))
}

/// Signs `envelope` with the key pair derived from the ring's current key.
///
/// # Errors
/// See [`sign`].
pub fn sign_with_pair<T: Envelope>(keys: &KeyRing, envelope: &mut T) -> Result<(), SignatureError> {
    let id = keys.current.public().key_id;
    envelope.seal(id.clone(), String::new());
    let signature = hex::encode(keys.current.sign_with_pair(&signed_bytes(envelope)?));
    envelope.seal(id, signature);
    Ok(())
}

/// Checks the `signature` of an exported JSON object over all its other members. The key that `key_id` names decides the
/// algorithm: a secret of the ring, the pair derived from one, or a partner's public key.
///
/// # Errors
/// See [`verify`]; [`SignatureError::Malformed`] when `algorithm` is not that of the key.
pub fn verify_export_members(
    keys: &KeyRing,
    partners: &[PublicKey],
    members: Map<String, Value>,
) -> Result<(), SignatureError> {
    let text = |name: &'static str| members.get(name).and_then(Value::as_str).ok_or(SignatureError::Malformed(name));
    let (key_id, algorithm) = (text("key_id")?.to_owned(), text("algorithm")?.to_owned());
    let is_named = |key: &PublicKey| key.key_id == key_id;
    let public =
        keys.all().map(Key::public).find(&is_named).or_else(|| partners.iter().find(|key| is_named(key)).cloned());
    let by_pair = algorithm == PublicKey::ALGORITHM;
    if keys.named(&key_id).next().is_some() || (public.is_none() && !by_pair) {
        return check(keys, members, &[], Purpose::Export, None);
    }
    if !by_pair {
        return Err(SignatureError::Malformed("algorithm"));
    }
    let mut code = [0; 64];
    decode(text("signature")?, &mut code)?;
    let Some(public) = public else { return Err(SignatureError::UnknownKey(key_id)) };
    let bytes = canonical(members, &[])?;
    if public.verifies(&bytes, &code) { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// Reads hex digits. One spelling only: digits in upper case would be a second signature for the same content.
fn decode(signature: &str, code: &mut [u8]) -> Result<(), SignatureError> {
    if signature.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(SignatureError::Malformed("signature"));
    }
    hex::decode_to_slice(signature, code).map_err(|_| SignatureError::Malformed("signature"))
}

fn check(
    keys: &KeyRing,
    members: Map<String, Value>,
    unsigned: &[&str],
    purpose: Purpose,
    made_at: Option<Timestamp>,
) -> Result<(), SignatureError> {
    let text = |name: &'static str| members.get(name).and_then(Value::as_str).ok_or(SignatureError::Malformed(name));
    let key_id = text("key_id")?.to_owned();
    let mut code = [0; 32];
    decode(text("signature")?, &mut code)?;
    let bytes = canonical(members, unsigned)?;
    let mut refused = SignatureError::UnknownKey(key_id.clone());
    for key in keys.named(&key_id) {
        if key.authenticates(purpose, made_at, &[&bytes], &code) {
            return Ok(());
        }
        if key.speaks_for_its_name(purpose) {
            refused = SignatureError::Mismatch;
        }
    }
    Err(refused)
}

fn members<T: Envelope>(envelope: &T) -> Result<Map<String, Value>, SignatureError> {
    match serde_json::to_value(envelope) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(SignatureError::Malformed("envelope")),
    }
}

fn signed_bytes<T: Envelope>(envelope: &T) -> Result<Vec<u8>, SignatureError> {
    canonical(members(envelope)?, T::UNSIGNED)
}

/// RFC 8785 canonical JSON of the members that the signature covers.
fn canonical(mut members: Map<String, Value>, unsigned: &[&str]) -> Result<Vec<u8>, SignatureError> {
    members.remove("signature");
    for name in unsigned {
        members.remove(*name);
    }
    serde_json_canonicalizer::to_vec(&members).map_err(|_| SignatureError::Malformed("envelope"))
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;
    use sha2::Sha256;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
    struct Note {
        id: i64,
        text: String,
        amount: f64,
        key_id: String,
        signature: String,
    }

    impl Envelope for Note {
        const PURPOSE: Purpose = Purpose::Drill;
        const UNSIGNED: &'static [&'static str] = &["id"];

        fn made_at(&self) -> Timestamp {
            Timestamp::EPOCH
        }

        fn seal(&mut self, key_id: String, signature: String) {
            self.key_id = key_id;
            self.signature = signature;
        }
    }

    fn ring() -> KeyRing {
        KeyRing { current: Key::new("k2", "second secret"), previous: vec![Key::new("k1", "first secret")] }
    }

    fn note(text: &str) -> Note {
        Note { id: 0, text: text.into(), amount: 1.5, key_id: String::new(), signature: String::new() }
    }

    #[test]
    fn what_was_signed_verifies_and_nothing_else() {
        let mut signed = note("hello");
        sign(&ring(), &mut signed).unwrap();
        assert_eq!(verify(&ring(), &signed), Ok(()));
        signed.id = 7;
        assert_eq!(verify(&ring(), &signed), Ok(()), "the database's number is not covered");
        let changed = Note { text: "hullo".into(), ..signed.clone() };
        assert_eq!(verify(&ring(), &changed), Err(SignatureError::Mismatch));
        let other_key = Note { key_id: "k1".into(), ..signed.clone() };
        assert_eq!(verify(&ring(), &other_key), Err(SignatureError::Mismatch));
        let unknown = Note { key_id: "k3".into(), ..signed.clone() };
        assert_eq!(verify(&ring(), &unknown), Err(SignatureError::UnknownKey("k3".into())));
        let upper = Note { signature: signed.signature.to_uppercase(), ..signed };
        assert_eq!(verify(&ring(), &upper), Err(SignatureError::Malformed("signature")));
    }

    #[test]
    fn previous_keys_verify_and_do_not_sign() {
        let old = KeyRing { current: Key::new("k1", "first secret"), previous: Vec::new() };
        let mut signed = note("old");
        sign(&old, &mut signed).unwrap();
        assert_eq!(verify(&ring(), &signed), Ok(()));
        sign(&ring(), &mut signed).unwrap();
        assert_eq!(signed.key_id, "k2");
        assert_eq!(verify(&old, &signed), Err(SignatureError::UnknownKey("k2".into())));
    }

    #[test]
    fn the_signature_is_hmac_sha256_of_canonical_json() {
        let keys = KeyRing { current: Key::new("k", "key"), previous: Vec::new() };
        let mut signed = note("x");
        sign(&keys, &mut signed).unwrap();
        let bytes = br#"{"amount":1.5,"key_id":"k","text":"x"}"#;
        let expected = Hmac::<Sha256>::new_from_slice(b"key").unwrap().chain_update(bytes).finalize().into_bytes();
        assert_eq!(signed.signature, hex::encode(expected));
    }

    proptest! {
        #[test]
        fn any_changed_byte_fails(text in "[a-z ]{1,30}", at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let mut signed = note(&text);
            sign(&ring(), &mut signed).unwrap();
            let mut bytes = serde_json::to_vec(&signed).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = to;
            // The changed bytes no longer have this shape, spell the same value differently, or are refused.
            if let Ok(changed) = serde_json::from_slice::<Note>(&bytes)
                && (Note { id: signed.id, ..changed.clone() }) != signed
            {
                prop_assert!(verify(&ring(), &changed).is_err(), "{:?}", String::from_utf8_lossy(&bytes));
            }
        }
    }
}
