//! Long rows, skimmed: a bit of a summary says whether a word of a row has any bit at all.
//!
//! Of ten thousand rules a question meets few, and most words of the AND are empty. The summaries' AND names the words
//! that may not be, so the others are never fetched; and rows with few bits come first, because they settle most.

use std::collections::BTreeMap;

use super::{checks::Checks, word::WORD};

/// Rows from this many words on have summaries.
pub(super) const FROM_WORDS: usize = 16;
/// Words at the start of every row whose rules stay in evaluation order.
const IN_ORDER: usize = 8;

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
pub(super) struct SummarizedRow<'a> {
    pub(super) weight: u32,
    pub(super) summary: &'a [u64],
    pub(super) row: &'a [u64],
}

/// What `decides` says about the first rule of the AND of `rows` about which it says something. Local numbers count as
/// [`cluster`] leaves them: in evaluation order at first, then in evaluation order by stretches of a summary's word.
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

/// Puts rules of a long run that are alike side by side, so that a question meets few words of the rows: behind the first
/// [`IN_ORDER`] words, which decide most questions when many rules match, each stretch that a word of a summary covers is
/// sorted by the rules' bounds on the field that is cut most.
pub(super) fn cluster(checks: &Checks, ranks: &mut [u32]) {
    if ranks.len() <= FROM_WORDS * WORD {
        return;
    }
    let Some(field) = most_cut(checks, ranks) else { return };
    let bound = |rank: &u32| {
        let mut tests = checks.tests(*rank).filter(|(of, _)| *of == field);
        tests.find_map(|(_, test)| test.limit())
    };
    let (first, rest) = ranks.split_at_mut((WORD * WORD).min(ranks.len()));
    let first = first.get_mut(IN_ORDER * WORD..).unwrap_or_default();
    for stretch in [first].into_iter().chain(rest.chunks_mut(WORD * WORD)) {
        stretch.sort_by_cached_key(|rank| {
            let bits = bound(rank).map_or(0, f64::to_bits);
            // Doubles in their own order, as integers.
            let key = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
            (key, *rank)
        });
    }
}

/// The field on which many rules have bounds, and different ones.
fn most_cut(checks: &Checks, ranks: &[u32]) -> Option<u32> {
    let mut bounds: BTreeMap<u32, usize> = BTreeMap::new();
    for (field, _) in ranks.iter().flat_map(|rank| checks.tests(*rank)).filter(|(_, test)| test.limit().is_some()) {
        *bounds.entry(field).or_default() += 1;
    }
    let most =
        bounds.into_iter().max_by_key(|(field, rules)| rules * checks.distinct_counts(*field).0.min(ranks.len()));
    most.map(|(field, _)| field)
}
