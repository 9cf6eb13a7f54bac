//! Signatures: HMAC-SHA256, or for exports Ed25519, over the canonical JSON of a whole envelope without its `signature`.
//!
//! A record of a workspace is signed with a key that is derived from the secret for the record's [`Purpose`] and for
//! that workspace, so that it counts for nothing else and nowhere else.

pub mod checked;
pub mod envelope;
pub mod key;
pub mod keyring;
pub mod public;
pub mod purpose;

pub use checked::Checked;
pub use envelope::{Envelope, sign, sign_with_pair, verify, verify_export_members};
pub use key::Key;
pub use keyring::{KeyNames, KeyRing, ListedKey, SignatureError};
pub use public::PublicKey;
pub use purpose::Purpose;
