//! The word of a bitmap.

/// The number of rules per word of a bitmap row.
pub(crate) const WORD: usize = 64;
