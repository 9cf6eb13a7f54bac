//! Sets of slots as rows of bits.

use std::sync::Arc;

/// A set of slots of one axis, one bit each.
pub type Bits = Arc<[u64]>;

/// A set of `len` bits, those set for which `keep` says so.
pub fn bits_where(len: usize, keep: impl Fn(usize) -> bool) -> Bits {
    let mut words = vec![0u64; len.div_ceil(64)];
    for index in (0..len).filter(|index| keep(*index)) {
        if let Some(word) = words.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }
    words.into()
}

/// Whether the bit is set.
pub fn has(bits: &Bits, index: usize) -> bool {
    bits.get(index / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
}

/// The bits in both.
pub fn and(a: &Bits, b: &Bits) -> Bits {
    a.iter().zip(b.iter()).map(|(a, b)| a & b).collect()
}

/// The bits in `a` but not in `b`.
pub fn minus(a: &Bits, b: &Bits) -> Bits {
    a.iter().zip(b.iter()).map(|(a, b)| a & !b).collect()
}

/// Whether no bit is set.
pub fn is_empty(bits: &Bits) -> bool {
    bits.iter().all(|word| *word == 0)
}

/// How many bits are set.
pub fn count(bits: &Bits) -> u32 {
    bits.iter().map(|word| word.count_ones()).sum()
}

/// The lowest bit that is set.
pub fn first_bit(bits: &Bits) -> Option<usize> {
    bits.iter()
        .enumerate()
        .find(|(_, word)| **word != 0)
        .map(|(index, word)| index * 64 + word.trailing_zeros() as usize)
}
