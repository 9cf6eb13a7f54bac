//! Key pairs for exports (Ed25519): who can verify with the public half cannot sign.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Key;

/// What HKDF is given to make the private half. Part of the format: a change makes every signature invalid.
const INFO: &[u8] = b"countersign v1 export ed25519";

/// Digits of a public key's hash that become part of its id.
const ID_DIGITS: usize = 16;

/// The public half of a key pair, as it is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// The id that signed files state: made of the key itself, so that no two keys share one.
    pub key_id: String,
    /// The algorithm, which the key decides and no file: `Ed25519`.
    pub algorithm: String,
    /// The 32 bytes of the key, in hexadecimal.
    pub public_key: String,
}

impl PublicKey {
    /// The name of the algorithm.
    pub const ALGORITHM: &'static str = "Ed25519";

    /// The key with these 32 bytes in hexadecimal; `None` when that is no key, or one for which anybody could sign.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let key = VerifyingKey::from_bytes(&bytes).ok()?;
        // A point has one encoding, so that a key has one id.
        let is_canonical = key.to_edwards().compress().to_bytes() == bytes;
        (is_canonical && !key.is_weak()).then(|| Self::new(&key))
    }

    fn new(key: &VerifyingKey) -> Self {
        let digits: String = hex::encode(Sha256::digest(key.as_bytes())).chars().take(ID_DIGITS).collect();
        Self {
            key_id: format!("ed25519-{digits}"),
            algorithm: Self::ALGORITHM.to_owned(),
            public_key: hex::encode(key.as_bytes()),
        }
    }

    /// Whether the id and the algorithm are those of the key, and the key is one.
    pub fn is_consistent(&self) -> bool {
        self.key().is_some_and(|key| Self::new(&key) == *self)
    }

    /// Whether `signature` was made with the private half for `bytes`.
    pub(super) fn verifies(&self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        self.is_consistent()
            && self.key().is_some_and(|key| key.verify_strict(bytes, &Signature::from_bytes(signature)).is_ok())
    }

    fn key(&self) -> Option<VerifyingKey> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(&self.public_key, &mut bytes).ok()?;
        VerifyingKey::from_bytes(&bytes).ok()
    }
}

impl Key {
    /// The public half of the key pair that is derived from this secret. Bound to no workspace: environments that share
    /// a secret share the pair.
    pub fn public(&self) -> PublicKey {
        PublicKey::new(&self.pair().verifying_key())
    }

    /// A signature of `bytes` with the private half.
    pub(super) fn sign_with_pair(&self, bytes: &[u8]) -> [u8; 64] {
        self.pair().sign(bytes).to_bytes()
    }

    fn pair(&self) -> SigningKey {
        let mut seed = [0; 32];
        // Fails only for keys longer than 8,160 bytes.
        let derived = Hkdf::<Sha256>::new(None, self.secret()).expand(INFO, &mut seed);
        debug_assert!(derived.is_ok(), "32 bytes can be derived");
        SigningKey::from_bytes(&seed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_id_is_made_of_the_key() {
        let public = Key::new("k", "a secret").public();
        assert_eq!(public, Key::new("other", "a secret").public());
        assert!(public.is_consistent());
        let renamed = PublicKey { key_id: Key::new("k", "another").public().key_id, ..public.clone() };
        assert!(!renamed.is_consistent());
        assert_eq!(PublicKey::from_hex(&public.public_key.to_uppercase()), Some(public.clone()));
        for wrong in ["", "00", &"00".repeat(32), &format!("01{}", "00".repeat(31))] {
            assert_eq!(PublicKey::from_hex(wrong), None, "{wrong}");
        }
        for wrong in ["", "00", "zz", &"ff".repeat(32)] {
            assert!(!PublicKey { public_key: wrong.to_owned(), ..public.clone() }.is_consistent(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_signature_counts_for_its_key_and_its_bytes(
            (one, other) in ("[a-c]{1,3}", "[a-c]{1,3}"), (text, read) in ("[a-b]{0,3}", "[a-b]{0,3}"),
        ) {
            let signature = Key::new("k", one.clone()).sign_with_pair(text.as_bytes());
            let verifies = Key::new("k", other.clone()).public().verifies(read.as_bytes(), &signature);
            prop_assert_eq!(verifies, one == other && text == read);
        }
    }
}
