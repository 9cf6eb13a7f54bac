//! Long rows, skimmed: a bit of a summary says whether a word of a row has any bit at all.
//!
//! Of ten thousand rules a question meets few, and most words of the AND are empty. The summaries' AND names the words
//! that may not be, so the others are never fetched; and rows with few bits come first, because they settle most.

use super::matrix::WORD;

/// Rows from this many words on have summaries.
pub(super) const FROM_WORDS: usize = 16;

/// The summaries of the rows of one column.
#[derive(Debug, Clone, Default)]
pub(super) struct Summaries {
    /// Words of one summary; 0 when there are none.
    words: usize,
    bits: Vec<u64>,
    /// Bits of each row.
    weights: Vec<u32>,
}

impl Summaries {
    /// The summaries of `rows`, of `words` words each.
    pub(super) fn new(rows: &[u64], words: usize) -> Self {
        if words < FROM_WORDS {
            return Self::default();
        }
        let mut summaries = Self { words: words.div_ceil(WORD), ..Self::default() };
        for row in rows.chunks(words) {
            for part in row.chunks(WORD) {
                let bit = |(at, word): (usize, &u64)| u64::from(*word != 0) << at;
                summaries.bits.push(part.iter().enumerate().map(bit).fold(0, |all, bit| all | bit));
            }
            summaries.weights.push(row.iter().map(|word| word.count_ones()).sum());
        }
        summaries
    }

    /// The summary of a row, and how many bits it has.
    pub(super) fn of(&self, slot: usize) -> Option<(u32, &[u64])> {
        let bits = self.bits.get(slot * self.words..(slot + 1) * self.words)?;
        self.weights.get(slot).map(|weight| (*weight, bits))
    }
}

/// A row with its summary.
pub(super) struct Skimmed<'a> {
    pub(super) weight: u32,
    pub(super) summary: &'a [u64],
    pub(super) row: &'a [u64],
}

/// The first bit that is set in every row, of which there is at least one.
pub(super) fn first_in_all(rows: &mut [Skimmed<'_>]) -> Option<usize> {
    rows.sort_unstable_by_key(|row| row.weight);
    let parts = rows.first()?.summary.len();
    for part in 0..parts {
        let mut live = rows.iter().fold(u64::MAX, |live, row| live & row.summary.get(part).copied().unwrap_or(0));
        while live != 0 {
            let word = part * WORD + usize::try_from(live.trailing_zeros()).ok()?;
            live &= live - 1;
            let mut bits = u64::MAX;
            for row in rows.iter() {
                bits &= row.row.get(word).copied().unwrap_or(0);
                if bits == 0 {
                    break;
                }
            }
            if bits != 0 {
                return Some(word * WORD + usize::try_from(bits.trailing_zeros()).ok()?);
            }
        }
    }
    None
}
