//! Summaries of long rows: one bit per word, set where the word has any bit set.
//!
//! When few of ten thousand rules match a question, most words of the AND are empty. The AND of the summaries shows
//! which words may be non-empty, so the other words are never fetched. Rows with few bits come first, because they
//! clear the most.

use std::collections::BTreeMap;

use super::{checks::Checks, word::WORD};

/// Rows with at least this many words have summaries.
pub(super) const FROM_WORDS: usize = 16;
/// Number of words at the start of every row in which the rules stay in evaluation order.
const IN_ORDER: usize = 8;

/// The summaries of the rows of one column.
#[derive(Debug, Clone, Default)]
pub(super) struct Summaries {
    /// Words per summary; 0 when there are no summaries.
    words: usize,
    bits: Vec<u64>,
    /// The number of bits set in each row.
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

    /// The number of bits set in a row, and the summary of the row.
    pub(super) fn of(&self, slot: usize) -> Option<(u32, &[u64])> {
        let bits = self.bits.get(slot * self.words..(slot + 1) * self.words)?;
        self.weights.get(slot).map(|weight| (*weight, bits))
    }
}

/// A row with its summary.
pub(super) struct SummarizedRow<'a> {
    pub(super) weight: u32,
    pub(super) summary: &'a [u64],
    pub(super) row: &'a [u64],
}

/// The result of `decides` for the first rule, in evaluation order, in the AND of `rows` for which `decides` has a
/// result. Bits are in the order that [`cluster`] produces: the first words in evaluation order, then one stretch per
/// word of a summary.
pub(super) fn first<T>(
    rows: &mut [SummarizedRow<'_>],
    ranks: &[u32],
    mut decides: impl FnMut(u32) -> Option<T>,
) -> Option<T> {
    rows.sort_unstable_by_key(|row| row.weight);
    for part in 0..rows.first()?.summary.len() {
        let mut best: Option<(u32, T)> = None;
        let mut live = rows.iter().fold(u64::MAX, |live, row| live & row.summary.get(part).copied().unwrap_or(0));
        while live != 0 {
            let word = part * WORD + live.trailing_zeros() as usize;
            live &= live - 1;
            let mut bits = u64::MAX;
            for row in rows.iter() {
                bits &= row.row.get(word).copied().unwrap_or(0);
                if bits == 0 {
                    break;
                }
            }
            while bits != 0 {
                let rank = *ranks.get(word * WORD + bits.trailing_zeros() as usize)?;
                bits &= bits - 1;
                if best.as_ref().is_none_or(|(best, _)| rank < *best)
                    && let Some(said) = decides(rank)
                {
                    best = Some((rank, said));
                    if word < IN_ORDER {
                        return best.map(|(_, said)| said);
                    }
                }
            }
        }
        if let Some((_, said)) = best {
            return Some(said);
        }
    }
    None
}

/// Moves similar rules of a long run next to each other, so that a question touches few words of the rows. The first
/// [`IN_ORDER`] words stay as they are, because they decide most questions when many rules match. After them, each
/// stretch that one word of a summary covers is sorted by the rules' bounds on the field with the most thresholds.
pub(super) fn cluster(checks: &Checks, ranks: &mut [u32]) {
    if ranks.len() <= FROM_WORDS * WORD {
        return;
    }
    let Some(field) = most_bounded_field(checks, ranks) else { return };
    let bound = |rank: &u32| {
        let mut tests = checks.tests(*rank).filter(|(of, _)| *of == field);
        tests.find_map(|(_, test)| test.limit())
    };
    let (first, rest) = ranks.split_at_mut((WORD * WORD).min(ranks.len()));
    let first = first.get_mut(IN_ORDER * WORD..).unwrap_or_default();
    for stretch in [first].into_iter().chain(rest.chunks_mut(WORD * WORD)) {
        stretch.sort_by_cached_key(|rank| {
            let bits = bound(rank).map_or(0, f64::to_bits);
            // Integers in the same order as the doubles.
            let key = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
            (key, *rank)
        });
    }
}

/// The field on which many rules have bounds, and many distinct ones.
fn most_bounded_field(checks: &Checks, ranks: &[u32]) -> Option<u32> {
    let mut bounds: BTreeMap<u32, usize> = BTreeMap::new();
    for (field, _) in ranks.iter().flat_map(|rank| checks.tests(*rank)).filter(|(_, test)| test.limit().is_some()) {
        *bounds.entry(field).or_default() += 1;
    }
    let most =
        bounds.into_iter().max_by_key(|(field, rules)| rules * checks.distinct_counts(*field).0.min(ranks.len()));
    most.map(|(field, _)| field)
}
