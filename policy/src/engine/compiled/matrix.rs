//! The bitmap rows of one run of rules.

use super::{
    axis::Axis,
    checks::Checks,
    fact_source::FactSource,
    row_builder::{RowBuilder, tests_by_field},
    summary::{self, Summaries, SummarizedRow},
    word::WORD,
};

/// The number of words that are combined at once.
const BLOCK: usize = 8;
/// The number of rows of a column that are sampled to estimate its selectivity.
const SAMPLE: usize = 32;

/// Rules in evaluation order, with a row of bits per class of every field they test.
#[derive(Debug, Clone)]
pub(crate) struct Matrix {
    ranks: Vec<u32>,
    words: usize,
    columns: Vec<Column>,
}

/// One field.
#[derive(Debug, Clone)]
struct Column {
    field: u32,
    axis: Axis,
    // INVARIANT: `axis.slots()` rows of `words` words; bits past the last rule are 0.
    rows: Vec<u64>,
    summaries: Summaries,
}

impl Column {
    #[inline]
    fn slot(&self, checks: &Checks, facts: &impl FactSource) -> usize {
        self.axis.slot_of(facts.fact(self.field), |text| facts.text(self.field, || checks.text(self.field, text)))
    }
}

impl Matrix {
    /// The matrix of the rules with these ranks, with at most `thresholds` thresholds per field. A bit is set where the
    /// rule's conditions on the field are not false; on coarse axes, where they are not false for *some* number of the
    /// class. The rules that are found must therefore be evaluated.
    pub(super) fn new(checks: &Checks, ranks: &[u32], thresholds: usize) -> Self {
        let words = ranks.len().div_ceil(WORD);
        let columns = tests_by_field(checks, ranks).into_iter().map(|(field, tests_by_field)| {
            let axis = Axis::coarse(tests_by_field.iter().map(|(_, test)| *test), thresholds);
            let rows =
                RowBuilder::new(&axis, ranks.len(), words, &tests_by_field).fill(|text| checks.text_with(field, text));
            Column { field, axis, summaries: Summaries::new(&rows, words), rows }
        });
        let mut columns: Vec<Column> = columns.collect();
        // The most selective columns come first: often they leave nothing for the others.
        columns.sort_by_cached_key(|column| {
            // A sample of the rows is enough.
            let some = column.axis.slots().div_ceil(SAMPLE);
            let rows = column.rows.chunks(words.max(1)).step_by(some.max(1));
            let count = rows.len().max(1) as u64;
            rows.flatten().map(|word| u64::from(word.count_ones())).sum::<u64>() / count
        });
        Self { ranks: ranks.to_vec(), words, columns }
    }

    pub(super) fn first_rank(&self) -> Option<u32> {
        self.ranks.first().copied()
    }

    /// The first result of `decides`, which is called in order for every rule that may have no false condition.
    pub(super) fn first<T>(
        &self,
        checks: &Checks,
        facts: &impl FactSource,
        mut decides: impl FnMut(u32) -> Option<T>,
    ) -> Option<T> {
        if self.words > BLOCK {
            return self.first_of_many(checks, facts, decides);
        }
        let mut block = [u64::MAX; BLOCK];
        for column in &self.columns {
            let mut any = 0;
            for (word, bits) in block.iter_mut().zip(self.row(checks, column, facts)?) {
                *word &= bits;
                any |= *word;
            }
            if any == 0 {
                return None;
            }
        }
        block.into_iter().take(self.words).enumerate().find_map(|(word, bits)| self.try_rules(word, bits, &mut decides))
    }

    fn first_of_many<T>(
        &self,
        checks: &Checks,
        facts: &impl FactSource,
        mut decides: impl FnMut(u32) -> Option<T>,
    ) -> Option<T> {
        if self.words >= summary::FROM_WORDS && !self.columns.is_empty() {
            let mut rows: Vec<SummarizedRow<'_>> = Vec::with_capacity(self.columns.len());
            for column in &self.columns {
                let slot = column.slot(checks, facts);
                let (weight, summary) = column.summaries.of(slot)?;
                rows.push(SummarizedRow {
                    weight,
                    summary,
                    row: column.rows.get(slot * self.words..(slot + 1) * self.words)?,
                });
            }
            return summary::first(&mut rows, &self.ranks, decides);
        }
        let rows: Option<Vec<&[u64]>> = self.columns.iter().map(|column| self.row(checks, column, facts)).collect();
        live_words(&rows?, self.words, |word, bits| self.try_rules(word, bits, &mut decides))
    }

    fn row<'c>(&self, checks: &Checks, column: &'c Column, facts: &impl FactSource) -> Option<&'c [u64]> {
        let slot = column.slot(checks, facts);
        column.rows.get(slot * self.words..(slot + 1) * self.words)
    }

    fn try_rules<T>(&self, word: usize, mut bits: u64, decides: &mut impl FnMut(u32) -> Option<T>) -> Option<T> {
        while bits != 0 {
            let local = word * WORD + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            // A bit past the last rule is set only when no rule of the run has a condition.
            if let Some(said) = decides(*self.ranks.get(local)?) {
                return Some(said);
            }
        }
        None
    }

    /// The ranks of the rules.
    pub(super) fn ranks(&self) -> &[u32] {
        &self.ranks
    }
}

/// Calls `live` with each non-empty word of the AND of `rows`, until `live` returns a result.
fn live_words<T>(rows: &[&[u64]], words: usize, mut live: impl FnMut(usize, u64) -> Option<T>) -> Option<T> {
    let mut start = 0;
    while start < words {
        let end = (start + BLOCK).min(words);
        let mut block = [u64::MAX; BLOCK];
        for row in rows {
            let mut any = 0;
            for (word, bits) in block.iter_mut().zip(row.get(start..end)?) {
                *word &= bits;
                any |= *word;
            }
            if any == 0 {
                break;
            }
        }
        for (word, bits) in (start..end).zip(block) {
            if bits != 0
                && let Some(said) = live(word, bits)
            {
                return Some(said);
            }
        }
        start = end;
    }
    None
}
