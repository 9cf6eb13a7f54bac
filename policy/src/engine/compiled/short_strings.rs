//! Maps from short strings to numbers, with two loads and two multiplications per lookup.
//!
//! Keys of a context, names of agents and actions, listed strings: nearly all have up to sixteen bytes, so their first
//! and last eight bytes identify them. Only strings of bundles are inserted; strings of requests are only looked up. As
//! a defence against bundles of colliding strings, a string that finds no free place near its hash goes into a tree
//! instead.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasherDefault, Hasher},
};

/// A map keyed by internal numbers, which need no protection against maliciously chosen keys.
pub(in crate::engine) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<FastHasher>>;

/// The length, in bytes, of the longest text that a fingerprint identifies.
const SHORT: usize = 16;

/// A map from texts to numbers.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct StringMap {
    short: ShortStringMap,
    long: HashMap<Box<str>, u32>,
}

impl StringMap {
    /// The number of `text`.
    #[inline]
    pub(in crate::engine) fn get(&self, text: &str) -> Option<u32> {
        self.get_key(&Key::new(text))
    }

    /// The number of the text of `key`.
    #[inline]
    pub(in crate::engine) fn get_key(&self, key: &Key<'_>) -> Option<u32> {
        if key.text.len() <= SHORT { self.short.get(&key.fingerprint) } else { self.long.get(key.text).copied() }
    }

    /// The number of `text`; a new text gets the number `fresh`.
    pub(in crate::engine) fn number(&mut self, text: &str, fresh: u32) -> u32 {
        if text.len() <= SHORT {
            self.short.number(Fingerprint::of(text.as_bytes()), fresh)
        } else {
            *self.long.entry(text.into()).or_insert(fresh)
        }
    }

    /// The number of `text`; a new text gets the next number.
    pub(in crate::engine) fn intern(&mut self, text: &str) -> u32 {
        self.number(text, u32::try_from(self.len()).unwrap_or(u32::MAX))
    }

    /// The number of texts.
    pub(in crate::engine) fn len(&self) -> usize {
        self.short.count + self.long.len()
    }

    /// Releases unused memory.
    pub(in crate::engine) fn shrink(&mut self) {
        self.long.shrink_to_fit();
    }

    /// Whether the map is empty.
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A text that is looked up in several maps: its fingerprint is taken once.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Key<'t> {
    text: &'t str,
    fingerprint: Fingerprint,
}

impl<'t> Key<'t> {
    #[inline]
    pub(in crate::engine) fn new(text: &'t str) -> Self {
        Self { text, fingerprint: Fingerprint::of(text.as_bytes()) }
    }

    /// A number that two different texts practically never share.
    #[inline]
    pub(in crate::engine) fn mark(&self) -> u32 {
        let hash = if self.text.len() <= SHORT {
            self.fingerprint.hash()
        } else {
            // A fingerprint leaves the middle of a long text out.
            let mut hasher = FastHasher::default();
            hasher.write(self.text.as_bytes());
            hasher.finish()
        };
        (hash >> 32) as u32
    }
}

/// The first and the last bytes of a text; they identify a text of up to [`SHORT`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fingerprint {
    first: u64,
    last: u64,
    len: u64,
}

impl Fingerprint {
    #[inline]
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

impl Fingerprint {
    #[inline]
    const fn is(&self, other: &Self) -> bool {
        (self.first ^ other.first) | (self.last ^ other.last) | (self.len ^ other.len) == 0
    }

    /// A hash that is well mixed in its highest bits.
    #[inline]
    const fn hash(&self) -> u64 {
        let both = self.first ^ (self.last ^ (self.len << 56)).wrapping_mul(FastHasher::ODD).rotate_left(29);
        both.wrapping_mul(FastHasher::ODD)
    }
}

/// A map from short texts to numbers: an open-addressing table with linear probing over a bounded number of places. At
/// least half of the table is free.
#[derive(Debug, Clone, Default)]
struct ShortStringMap {
    // INVARIANT: the number of places is a power of two, or zero.
    places: Vec<Place>,
    /// Texts that found no free place near their hash.
    crowded: BTreeMap<Fingerprint, u32>,
    count: usize,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    fingerprint: Fingerprint,
    number: Option<u32>,
}

impl ShortStringMap {
    const FEWEST: usize = 4;
    /// Maximum number of places that are probed for one text. With half of the table free, practically no text needs
    /// all of them unless the texts were chosen to collide.
    const MOST_STEPS: usize = 32;

    #[inline]
    fn start(&self, fingerprint: &Fingerprint) -> usize {
        let bits = self.places.len().trailing_zeros();
        // Only as many bits as the number of places requires.
        usize::try_from(fingerprint.hash() >> (u64::BITS - bits)).unwrap_or(0)
    }

    #[inline]
    fn get(&self, fingerprint: &Fingerprint) -> Option<u32> {
        let mut at = if self.places.is_empty() { return None } else { self.start(fingerprint) };
        for _ in 0..Self::MOST_STEPS {
            let place = self.places.get(at)?;
            if place.number.is_none() || place.fingerprint.is(fingerprint) {
                return place.number;
            }
            at = (at + 1) & (self.places.len() - 1);
        }
        self.crowded.get(fingerprint).copied()
    }

    fn number(&mut self, fingerprint: Fingerprint, fresh: u32) -> u32 {
        if let Some(number) = self.get(&fingerprint) {
            return number;
        }
        if (self.count + 1) * 2 > self.places.len() {
            let free = Place { fingerprint: Fingerprint { first: 0, last: 0, len: 0 }, number: None };
            let more = vec![free; (self.places.len() * 2).max(Self::FEWEST)];
            let before = std::mem::replace(&mut self.places, more);
            // The crowded texts are moved first, because a free place must mean that a text is not in the map.
            for (fingerprint, number) in std::mem::take(&mut self.crowded) {
                self.put(fingerprint, number);
            }
            for place in before {
                place.number.into_iter().for_each(|number| self.put(place.fingerprint, number));
            }
        }
        self.put(fingerprint, fresh);
        self.count += 1;
        fresh
    }

    fn put(&mut self, fingerprint: Fingerprint, number: u32) {
        let (mut at, last) = (self.start(&fingerprint), self.places.len().wrapping_sub(1));
        for _ in 0..Self::MOST_STEPS {
            match self.places.get_mut(at) {
                Some(place) if place.number.is_none() => {
                    *place = Place { fingerprint, number: Some(number) };
                    return;
                }
                _ => at = (at + 1) & last,
            }
        }
        self.crowded.insert(fingerprint, number);
    }
}

/// A hasher with one multiplication per eight bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::engine) struct FastHasher(u64);

impl FastHasher {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
}

impl Hasher for FastHasher {
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
        // The terminator that follows a text adds nothing, because the last word contains the length.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts of sixteen bytes that all hash to the first place of every table.
    fn colliding(count: usize) -> Vec<String> {
        let text = |number: u64| {
            let last = u64::from_le_bytes(format!("{number:08}").as_bytes().try_into().unwrap());
            let first = (last ^ (16 << 56)).wrapping_mul(FastHasher::ODD).rotate_left(29);
            [first.to_le_bytes(), last.to_le_bytes()].concat()
        };
        // Most candidates are not UTF-8, but enough of them are.
        (0..).map(text).filter_map(|bytes| String::from_utf8(bytes).ok()).take(count).collect()
    }

    #[test]
    fn colliding_texts_keep_their_numbers_and_are_few_steps_away() {
        let texts = colliding(2_000);
        assert!(texts.iter().all(|text| Fingerprint::of(text.as_bytes()).hash() == 0));
        let mut names = StringMap::default();
        // Other texts come in between, so that the table grows while it is crowded.
        let all: Vec<String> =
            texts.into_iter().zip(0..).flat_map(|(text, at)| [text, format!("plain-{at}")]).collect();
        for (number, text) in (0..).zip(&all) {
            assert_eq!(names.intern(text), number);
        }
        for (number, text) in (0..).zip(&all) {
            assert_eq!(names.get(text), Some(number));
        }
        assert!(names.short.crowded.len() > 1_900);
        assert_eq!((names.get("plain"), names.len()), (None, all.len()));
    }

    proptest! {
        #[test]
        fn texts_keep_their_numbers(texts in prop::collection::vec("[ab\u{e9}]{0,20}", 0..60), other in "[ab]{0,20}") {
            let mut names = StringMap::default();
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
