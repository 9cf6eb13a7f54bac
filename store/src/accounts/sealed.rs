//! Secrets of others that have to be read again, encrypted in the database: XChaCha20-Poly1305 under a key that is
//! derived from the signing key for this purpose alone.

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use lifecycle::signing::{KeyRing, Purpose};
use rand::RngExt;

use crate::{Error, Result};

/// Bytes of the random value before each text.
const NONCE: usize = 24;

/// Encrypts `plain` with the current key; returns the key's name and the sealed text, which can be opened only with the
/// same `about`.
pub(super) fn seal(keys: &KeyRing, about: &str, plain: &[u8]) -> Result<(String, Vec<u8>)> {
    let nonce: [u8; NONCE] = rand::rng().random();
    let sealed = cipher(&keys.current)
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: about.as_bytes() })
        .map_err(|_| Error::Internal("a secret cannot be encrypted".into()))?;
    Ok((keys.current.id.clone(), [&nonce[..], &sealed].concat()))
}

/// Opens what [`seal`] made; `None` when no key here opens it, because the keys changed or the row was changed.
pub(super) fn open(keys: &KeyRing, about: &str, key_id: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE>()?;
    keys.named(key_id)
        .find_map(|key| cipher(key).decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: about.as_bytes() }).ok())
}

fn cipher(key: &lifecycle::signing::Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(key.authenticate(Purpose::Seal, &[b"xchacha20-poly1305"])))
}

#[cfg(test)]
mod tests {
    use lifecycle::signing::Key as SigningKey;
    use proptest::prelude::*;

    use super::*;

    fn ring(id: &str, secret: &str, workspace: &str) -> KeyRing {
        KeyRing { current: SigningKey::new(id, secret), previous: Vec::new() }.bound_to(workspace, None)
    }

    proptest! {
        #[test]
        fn a_secret_is_read_by_who_has_the_key_and_nobody_else(
            plain in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..240, bit in 0_u8..8,
        ) {
            let keys = ring("one", "a secret", "here");
            let (id, sealed) = seal(&keys, "identity 1", &plain).unwrap();
            prop_assert_eq!(open(&keys, "identity 1", &id, &sealed), Some(plain.clone()));
            prop_assert_eq!(open(&keys, "identity 2", &id, &sealed), None, "moved to another row");
            prop_assert_eq!(open(&ring("one", "another", "here"), "identity 1", &id, &sealed), None);
            prop_assert_eq!(open(&ring("one", "a secret", "there"), "identity 1", &id, &sealed), None);
            // After a rotation the former key still opens it.
            let mut rotated = ring("two", "a newer secret", "here");
            rotated.previous.push(keys.current.clone());
            prop_assert_eq!(open(&rotated, "identity 1", &id, &sealed), Some(plain.clone()));
            let mut changed = sealed.clone();
            let place = at % changed.len();
            changed[place] ^= 1 << bit;
            prop_assert_eq!(open(&keys, "identity 1", &id, &changed), None);
            prop_assert_eq!(open(&keys, "identity 1", &id, &sealed[..place]), None);
            prop_assert_ne!(seal(&keys, "identity 1", &plain).unwrap().1, sealed, "never the same twice");
        }
    }
}
