//! Signatures: HMAC-SHA256 over canonical JSON of a whole envelope without its `signature`.

pub mod keyring;

pub use keyring::{Key, KeyRing, Refusal};
