//! The word of a bitmap.

/// Rules one word of a bitmap row has bits for.
pub(crate) const WORD: usize = 64;
