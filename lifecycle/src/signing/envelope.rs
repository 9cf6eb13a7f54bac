//! Signing and verifying whole envelopes.

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::Sha256;

use super::{Key, KeyRing, SignatureError};

/// A document that carries its own signature: its member `signature` covers every other member, made with the key that
/// `key_id` names.
pub trait Envelope: Serialize {
    /// Members that the signature does not cover, besides `signature` itself: ids that the database assigns later.
    const UNSIGNED: &'static [&'static str] = &[];

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
    let signature = hex::encode(mac(key, &signed_bytes(envelope)?).finalize().into_bytes());
    envelope.seal(key.id.clone(), signature);
    Ok(())
}

/// Checks the envelope's signature with the key it names, in constant time.
///
/// # Errors
/// [`SignatureError::UnknownKey`] when the ring does not have that key, [`SignatureError::Mismatch`] when anything
/// differs from what was signed, [`SignatureError::Malformed`] when `key_id` or `signature` is missing or malformed.
pub fn verify<T: Envelope>(keys: &KeyRing, envelope: &T) -> Result<(), SignatureError> {
    let members = members(envelope)?;
    verify_members(keys, members, T::UNSIGNED)
}

/// Checks the `signature` of a JSON object over all its other members but `unsigned`.
///
/// # Errors
/// See [`verify`].
pub fn verify_members(keys: &KeyRing, members: Map<String, Value>, unsigned: &[&str]) -> Result<(), SignatureError> {
    let key_id = members.get("key_id").and_then(Value::as_str).ok_or(SignatureError::Malformed("key_id"))?;
    let signature = members.get("signature").and_then(Value::as_str).ok_or(SignatureError::Malformed("signature"))?;
    // One spelling only: hex digits in upper case would be a second signature for the same content.
    if signature.len() != 64 || signature.bytes().any(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(SignatureError::Malformed("signature"));
    }
    let signature = hex::decode(signature).map_err(|_| SignatureError::Malformed("signature"))?;
    let key = keys.find(key_id).ok_or(SignatureError::UnknownKey)?;
    let bytes = canonical(members, unsigned)?;
    mac(key, &bytes).verify_slice(&signature).map_err(|_| SignatureError::Mismatch)
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

fn mac(key: &Key, bytes: &[u8]) -> Hmac<Sha256> {
    key.mac().chain_update(bytes)
}

impl Key {
    /// HMAC-SHA256 of the concatenated `parts`.
    pub fn authenticate(&self, parts: &[&[u8]]) -> [u8; 32] {
        parts.iter().fold(self.mac(), |mac, part| mac.chain_update(part)).finalize().into_bytes().into()
    }

    /// Whether `code` is the result of [`Self::authenticate`]; compared in constant time.
    pub fn authenticates(&self, parts: &[&[u8]], code: &[u8; 32]) -> bool {
        parts.iter().fold(self.mac(), |mac, part| mac.chain_update(part)).verify_slice(code).is_ok()
    }

    /// HMAC accepts keys of any length: longer ones are hashed, shorter ones padded.
    fn mac(&self) -> Hmac<Sha256> {
        match Hmac::<Sha256>::new_from_slice(self.secret()) {
            Ok(mac) => mac,
            // Unreachable by HMAC's definition; an all-zero key never equals a configured one.
            Err(_) => Hmac::<Sha256>::new(&Default::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        const UNSIGNED: &'static [&'static str] = &["id"];

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
        assert_eq!(verify(&ring(), &unknown), Err(SignatureError::UnknownKey));
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
        assert_eq!(verify(&old, &signed), Err(SignatureError::UnknownKey));
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
