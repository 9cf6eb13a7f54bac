//! Secrets that are shown once and stored only as a hash: tokens, and the codes of links.

use rand::RngExt;
use sha2::{Digest, Sha256};

/// Random letters and digits: six bits each, so 32 of them cannot be guessed.
pub(super) fn random_letters(count: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = rand::rng();
    (0..count)
        .filter_map(|_| LETTERS.get(random.random_range(0..LETTERS.len())))
        .map(|letter| char::from(*letter))
        .collect()
}

/// The hash that is stored of a secret. A search by it compares hashes, whose timing says nothing about the secret.
pub(super) fn hash(plain: &str) -> Vec<u8> {
    Sha256::digest(plain.as_bytes()).to_vec()
}
