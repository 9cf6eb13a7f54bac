//! The file format, all integers little-endian.
//!
//! ```text
//! header  "CSCORPUS", u16 version, u8 source, u8 0, u32 rows, u32 columns, u64 bytes of the body, SHA-256 of
//!         everything after it and of the header before it
//! column  u8 role (0: a field; else 1 + place in `Role::VARIANTS`), for a field u16 keys and each key as text
//!         u32 numbers, u32 texts, u32 rest; the numbers as f64; the ends of the texts as u32, the block as text;
//!         the rest as texts of JSON
//!         u8 layout: 1, 2 or 4 bytes per code, one code per row; or 0 for u32 count, the rows and the codes as u32
//! text    u32 bytes, UTF-8
//! ```
//!
//! There is exactly one way to write a corpus: columns ascending by name, values ascending and distinct. So equal
//! corpora have equal bytes and the same digest. Any other encoding is refused.

use sha2::{Digest as _, Sha256};

use crate::replay::Dataset;

pub(super) const MAGIC: &[u8; 8] = b"CSCORPUS";
pub(super) const VERSION: u16 = 1;
/// Bytes before the digest.
pub(super) const HEAD: usize = 28;
pub(super) const DIGEST: usize = 32;

/// The reason why bytes are not a corpus, or why cases do not fit into one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorpusError {
    /// The bytes do not begin like a corpus.
    #[error("this is not a Countersign corpus: it does not start with `CSCORPUS`")]
    NotACorpus,
    /// A newer or unknown format.
    #[error("the corpus has format {0}, but only format 1 is known: update Countersign, or export the corpus again")]
    Version(u16),
    /// A limit is exceeded.
    #[error("the corpus has too many {name}: the limit is {limit}")]
    TooLarge {
        /// The name of the quantity that is limited.
        name: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The bytes end too soon.
    #[error("the corpus ends in the middle, after {0} bytes: fetch it again")]
    Truncated(usize),
    /// Something does not follow the format.
    #[error("the corpus is malformed at byte {at}: {what}")]
    Malformed {
        /// The position of the fault, in bytes from the start.
        at: usize,
        /// The fault.
        what: &'static str,
    },
    /// The bytes were changed.
    #[error("the corpus does not match its digest: fetch it again")]
    DigestMismatch,
}

pub(super) const SOURCES: [Dataset; 4] = [Dataset::Fixtures, Dataset::Synthetic, Dataset::Recorded, Dataset::Custom];

/// SHA-256 over everything but the digest itself.
pub(super) fn digest(bytes: &[u8]) -> [u8; DIGEST] {
    let mut hash = Sha256::new();
    hash.update(bytes.get(..HEAD).unwrap_or_default());
    hash.update(bytes.get(HEAD + DIGEST..).unwrap_or_default());
    hash.finalize().into()
}
