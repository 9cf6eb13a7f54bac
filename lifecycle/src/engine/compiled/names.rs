//! Short texts, told apart by two loads and two multiplications.
//!
//! Keys of a context, names of agents and actions, listed strings: nearly all have up to sixteen bytes, and those are
//! their first and last eight. The texts come from the bundle; what a request says is only looked up, so no request can
//! crowd a table.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hash, Hasher},
};

/// A map by keys that need no protection against whoever chose them.
pub(in crate::engine) type Mixed<K, V> = HashMap<K, V, BuildHasherDefault<Mix>>;

/// Longest text that its ends tell from every other.
const SHORT: usize = 16;

/// Numbers of texts.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Names {
    short: Mixed<Ends, u32>,
    long: Mixed<Box<str>, u32>,
}

impl Names {
    /// The number of `text`.
    pub(in crate::engine) fn get(&self, text: &str) -> Option<u32> {
        if text.len() <= SHORT { self.short.get(&Ends::of(text.as_bytes())) } else { self.long.get(text) }.copied()
    }

    /// The number of `text`, which is `fresh` when it has none yet.
    pub(in crate::engine) fn number(&mut self, text: &str, fresh: u32) -> u32 {
        if text.len() <= SHORT {
            *self.short.entry(Ends::of(text.as_bytes())).or_insert(fresh)
        } else {
            *self.long.entry(text.into()).or_insert(fresh)
        }
    }

    /// The number of `text`, the next one when it has none yet.
    pub(in crate::engine) fn intern(&mut self, text: &str) -> u32 {
        self.number(text, u32::try_from(self.len()).unwrap_or(u32::MAX))
    }

    /// How many there are.
    pub(in crate::engine) fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }

    /// Gives back the memory that no text needs.
    pub(in crate::engine) fn shrink(&mut self) {
        self.short.shrink_to_fit();
        self.long.shrink_to_fit();
    }

    /// Whether there is none.
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The first and the last bytes of a text: up to [`SHORT`] bytes, no two texts have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ends {
    first: u64,
    last: u64,
    len: u64,
}

impl Ends {
    fn of(text: &[u8]) -> Self {
        let len = text.len() as u64;
        if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
            return Self { first: u64::from_le_bytes(*first), last: u64::from_le_bytes(*last), len };
        }
        if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
            return Self { first: u32::from_le_bytes(*first).into(), last: u32::from_le_bytes(*last).into(), len };
        }
        Self { first: text.iter().fold(0, |all, byte| (all << 8) | u64::from(*byte)), last: 0, len }
    }
}

impl Hash for Ends {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.first ^ (self.last ^ (self.len << 56)).wrapping_mul(Mix::ODD));
    }
}

/// One multiplication for eight bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::engine) struct Mix(u64);

impl Mix {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
}

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        self.write_u64(rest.iter().fold(rest.len() as u64, |all, byte| (all << 8) | u64::from(*byte)));
    }

    fn write_u64(&mut self, word: u64) {
        let product = (self.0.rotate_left(23) ^ word).wrapping_mul(Self::ODD);
        self.0 = product ^ (product >> 32);
    }

    fn write_u8(&mut self, _: u8) {
        // The mark behind a text; its length is in the last word.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_keep_their_numbers(texts in prop::collection::vec("[ab\u{e9}]{0,20}", 0..60), other in "[ab]{0,20}") {
            let mut names = Names::default();
            let mut plain = HashMap::new();
            for text in &texts {
                let fresh = u32::try_from(plain.len()).unwrap();
                prop_assert_eq!(names.intern(text), *plain.entry(text.as_str()).or_insert(fresh));
            }
            prop_assert_eq!(names.len(), plain.len());
            for text in texts.iter().chain([&other]) {
                prop_assert_eq!(names.get(text), plain.get(text.as_str()).copied());
            }
        }
    }
}
