//! Signatures: HMAC-SHA256 over the canonical JSON of a whole envelope without its `signature`.

pub mod checked;
pub mod envelope;
pub mod keyring;

pub use checked::Checked;
pub use envelope::{Envelope, sign, verify, verify_members};
pub use keyring::{Key, KeyNames, KeyRing, SignatureError};
