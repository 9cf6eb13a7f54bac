//! The rows of bits of one run of rules.

use std::{collections::BTreeMap, ops::Range};

use super::{
    axis::{Axis, Class, Cut},
    checks::Checks,
    facts::Facts,
    summary::{self, Skimmed, Summaries},
};
use crate::bundle::{Rule, Scalar, Test};

/// Rules a word has bits for.
pub(crate) const WORD: usize = 64;
/// Words that are combined at a time.
const BLOCK: usize = 8;
/// A field of a run keeps this many cuts of numbers, or one for so many rules, where memory allows.
const FEWEST_CUTS: usize = 128;
const RULES_A_CUT: usize = 32;
/// No field is cut coarser than this.
const COARSEST: usize = 16;

/// Rules in evaluation order, and for every field they look at a row of bits a class.
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

impl Matrix {
    /// The matrix of the rules with these ranks, with at most `cuts` cuts of numbers a field. A bit is set where the
    /// rule's conditions on the field are not false, and where rules have more cuts, where they are not false for *some*
    /// number of the class. So rules that are found have to be asked.
    pub(super) fn new(rules: &[Rule], checks: &Checks, ranks: &[u32], cuts: usize) -> Self {
        let words = ranks.len().div_ceil(WORD);
        let touching = touching(rules, checks, ranks);
        let columns = touching.into_iter().map(|(field, touching)| {
            let axis = Axis::coarse(touching.iter().map(|(_, test)| *test), cuts);
            let rows = Rows::new(&axis, ranks.len(), words, &touching).fill();
            Column { field, axis, summaries: Summaries::new(&rows, words), rows }
        });
        let mut columns: Vec<Column> = columns.collect();
        // What leaves few rules comes first: often nothing is left for the rest to do.
        columns.sort_by_cached_key(|column| {
            let bits: u64 = column.rows.iter().map(|word| u64::from(word.count_ones())).sum();
            bits / column.axis.slots() as u64
        });
        Self { ranks: ranks.to_vec(), words, columns }
    }

    pub(super) fn first_rank(&self) -> Option<u32> {
        self.ranks.first().copied()
    }

    /// What `decides` says about the first rule, in order, of which it says something; only rules none of whose
    /// conditions is false are sure to be asked.
    pub(super) fn first<T>(&self, facts: &impl Facts, mut decides: impl FnMut(u32) -> Option<T>) -> Option<T> {
        if self.words > BLOCK {
            return self.first_of_many(facts, decides);
        }
        let mut block = [u64::MAX; BLOCK];
        for column in &self.columns {
            let mut any = 0;
            for (word, bits) in block.iter_mut().zip(self.row(column, facts)?) {
                *word &= bits;
                any |= *word;
            }
            if any == 0 {
                return None;
            }
        }
        block.into_iter().take(self.words).enumerate().find_map(|(word, bits)| self.ask(word, bits, &mut decides))
    }

    fn first_of_many<T>(&self, facts: &impl Facts, mut decides: impl FnMut(u32) -> Option<T>) -> Option<T> {
        if self.words >= summary::FROM_WORDS && !self.columns.is_empty() {
            let mut rows: Vec<Skimmed<'_>> = Vec::with_capacity(self.columns.len());
            for column in &self.columns {
                let slot = column.axis.slot_of(facts.fact(column.field));
                let (weight, summary) = column.summaries.of(slot)?;
                rows.push(Skimmed {
                    weight,
                    summary,
                    row: column.rows.get(slot * self.words..(slot + 1) * self.words)?,
                });
            }
            return summary::first(&mut rows, &self.ranks, decides);
        }
        let rows: Option<Vec<&[u64]>> = self.columns.iter().map(|column| self.row(column, facts)).collect();
        live_words(&rows?, self.words, |word, bits| self.ask(word, bits, &mut decides))
    }

    fn row<'c>(&self, column: &'c Column, facts: &impl Facts) -> Option<&'c [u64]> {
        let slot = column.axis.slot_of(facts.fact(column.field));
        column.rows.get(slot * self.words..(slot + 1) * self.words)
    }

    fn ask<T>(&self, word: usize, mut bits: u64, decides: &mut impl FnMut(u32) -> Option<T>) -> Option<T> {
        while bits != 0 {
            let local = word * WORD + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            // Past the last rule only when no rule of the run has any condition.
            if let Some(said) = decides(*self.ranks.get(local)?) {
                return Some(said);
            }
        }
        None
    }

    /// The ranks of its rules.
    pub(super) fn ranks(&self) -> &[u32] {
        &self.ranks
    }
}

/// By field: the tests of the rules with these ranks, each with the rule's number among them, ascending.
fn touching<'r>(rules: &'r [Rule], checks: &Checks, ranks: &[u32]) -> BTreeMap<u32, Vec<(usize, &'r Test)>> {
    let mut touching: BTreeMap<u32, Vec<(usize, &Test)>> = BTreeMap::new();
    for (local, rank) in ranks.iter().enumerate() {
        let Some(rule) = usize::try_from(*rank).ok().and_then(|at| rules.get(at)) else { continue };
        for (condition, field) in rule.conditions.iter().zip(checks.fields(*rank)) {
            touching.entry(field).or_default().push((local, &condition.test));
        }
    }
    touching
}

/// One field of some rules, cut as finely as all rules of the bundle cut it.
#[derive(Debug)]
pub(crate) struct Fine {
    pub(crate) field: u32,
    /// Slots of values that no rule finds to be of a wrong type, see [`Axis::comparable`].
    pub(crate) comparable: Range<usize>,
    /// A row a slot; a bit is set where the rule's conditions on the field are not false.
    pub(crate) rows: Vec<u64>,
}

/// Exact rows of the rules with these ranks over the axes of all rules, by field. None when they take more bytes than
/// are `left`, which then shrink.
pub(crate) fn fine<'x>(
    rules: &[Rule],
    checks: &Checks,
    ranks: &[u32],
    axis: impl Fn(u32) -> Option<&'x Axis>,
    left: &mut usize,
) -> Option<Vec<Fine>> {
    let words = ranks.len().div_ceil(WORD);
    let touching = touching(rules, checks, ranks);
    let slots: usize = touching.keys().filter_map(|field| axis(*field)).map(Axis::slots).sum();
    *left = left.checked_sub(slots.saturating_mul(words * 8))?;
    let fine = touching.into_iter().map(|(field, touching)| {
        let axis = axis(field)?;
        let comparable = axis.comparable(|| touching.iter().map(|(_, test)| *test));
        Some(Fine { field, comparable, rows: Rows::new(axis, ranks.len(), words, &touching).fill() })
    });
    fine.collect()
}

/// Calls `live` with the words of the AND of `rows` that are not empty, until it says something.
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

/// What rows for some rules take: by field, how many numbers and strings they name, and how many different ones there
/// can be.
struct Demand(BTreeMap<u32, [Named; 2]>);

#[derive(Debug, Clone, Copy)]
struct Named {
    times: usize,
    different: usize,
}

impl Demand {
    fn of(rules: &[Rule], checks: &Checks, ranks: &[u32]) -> Self {
        let mut fields: BTreeMap<u32, [Named; 2]> = BTreeMap::new();
        for rank in ranks {
            let Some(rule) = usize::try_from(*rank).ok().and_then(|at| rules.get(at)) else { continue };
            for (condition, field) in rule.conditions.iter().zip(checks.fields(*rank)) {
                let [numbers, texts] = fields.entry(field).or_insert_with(|| {
                    let (numbers, texts) = checks.named(field);
                    [numbers, texts].map(|different| Named { times: 0, different })
                });
                match &condition.test {
                    Test::In(list) | Test::NotIn(list) => {
                        let of_numbers = list.iter().filter(|scalar| matches!(scalar, Scalar::Number(_))).count();
                        numbers.times += of_numbers;
                        texts.times += list.len() - of_numbers;
                    }
                    Test::StartsWith(_) => {
                        texts.times += 1;
                        texts.different += 1;
                    }
                    Test::Present(_) => {}
                    _ => numbers.times += 1,
                }
            }
        }
        Self(fields)
    }

    /// About how many bytes the rows take when the rules are cut into `runs` of `length`, with at most `cuts` cuts of
    /// numbers a field.
    fn bytes(&self, runs: usize, length: usize, cuts: usize) -> usize {
        let of_run = |named: &Named| named.times.div_ceil(runs).min(named.different);
        let slots = self.0.values().map(|[numbers, texts]| 6 + 2 * of_run(numbers).min(cuts) + of_run(texts));
        runs.saturating_mul(slots.sum()).saturating_mul(length.div_ceil(WORD) * 8)
    }
}

/// How the rows of a group stay within its share of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cutting {
    /// Rules of a run: the whole group, or a power of two of it. Each has rows of its own.
    pub(super) length: usize,
    /// Cuts of numbers a field.
    pub(super) cuts: usize,
}

impl Cutting {
    /// The one that takes at most about `bytes`. Exact rows grow with the square of the rules, because more rules mean
    /// more cuts and longer rows; so of many cuts some are left out first, and then the rules are cut into runs.
    pub(super) fn new(rules: &[Rule], checks: &Checks, ranks: &[u32], bytes: usize) -> Self {
        let demand = Demand::of(rules, checks, ranks);
        let mut cutting = Self { length: ranks.len(), cuts: FEWEST_CUTS.max(ranks.len() / RULES_A_CUT) };
        while demand.bytes(ranks.len().div_ceil(cutting.length), cutting.length, cutting.cuts) > bytes {
            if cutting.cuts > COARSEST {
                cutting.cuts /= 2;
            } else if cutting.length > WORD {
                cutting.length = cutting.length.div_ceil(2);
            } else {
                break;
            }
        }
        cutting
    }
}

/// What the rows of one column are filled from.
struct Rows<'a> {
    axis: &'a Axis,
    words: usize,
    /// The rules that look at the field, each with the span of its `cuts`.
    rules: Vec<(usize, Range<usize>)>,
    /// Their tests in terms of the field's classes.
    cuts: Vec<Cut>,
    // INVARIANT: the next three are sorted. Each says of a cut, prefix or listed string which of `rules` name it.
    by_number: Vec<(usize, usize)>,
    by_prefix: Vec<(usize, usize)>,
    by_text: Vec<(usize, usize)>,
    /// Rules that do not look at the field.
    free: Vec<u64>,
}

impl<'a> Rows<'a> {
    fn new(axis: &'a Axis, count: usize, words: usize, touching: &[(usize, &Test)]) -> Self {
        let mut rows = Self {
            axis,
            words,
            rules: Vec::with_capacity(touching.len()),
            cuts: Vec::with_capacity(touching.len()),
            by_number: Vec::new(),
            by_prefix: Vec::new(),
            by_text: Vec::new(),
            free: vec![0; words],
        };
        (0..count).for_each(|local| write(&mut rows.free, local, true));
        for (local, test) in touching {
            let cut = Cut::new(test, axis);
            match rows.rules.last_mut() {
                Some((last, span)) if last == local => span.end += 1,
                _ => {
                    write(&mut rows.free, *local, false);
                    rows.rules.push((*local, rows.cuts.len()..rows.cuts.len() + 1));
                }
            }
            rows.note(&cut);
            rows.cuts.push(cut);
        }
        for named in [&mut rows.by_number, &mut rows.by_prefix, &mut rows.by_text] {
            named.sort_unstable();
            named.dedup();
        }
        rows
    }

    /// Notes what the newest rule names.
    fn note(&mut self, cut: &Cut) {
        let rule = self.rules.len() - 1;
        // A test changes its mind at its cut, or on both sides of the interval that its number is in.
        let mut number = |position: &usize| {
            self.by_number.push((position / 2, rule));
            if let Some(before) = (position / 2).checked_sub(1).filter(|_| position.is_multiple_of(2)) {
                self.by_number.push((before, rule));
            }
        };
        match cut {
            Cut::AtLeast(position) | Cut::AtMost(position) | Cut::Above(position) | Cut::Below(position) => {
                number(position);
            }
            Cut::Member { numbers, within, texts, .. } => {
                numbers.iter().chain(within).for_each(number);
                self.by_text.extend(texts.iter().map(|text| (*text, rule)));
            }
            Cut::StartsWith(prefix) => self.by_prefix.push((*prefix, rule)),
            Cut::Present(_) => {}
        }
    }

    /// Fills every row. A row differs from its neighbour only in the rules that name the cut between them, so each is a
    /// copy with a few bits written again.
    fn fill(&self) -> Vec<u64> {
        let mut rows = vec![0; self.axis.slots() * self.words];
        for class in Axis::BASE {
            let start = self.axis.slot(class) * self.words;
            if let Some(row) = rows.get_mut(start..start + self.words) {
                row.copy_from_slice(&self.free);
            }
            self.decide(&mut rows, class, 0..self.rules.len());
        }
        let text = |prefix| Class::Text { listed: None, prefix };
        for prefix in 0..self.axis.prefixes() {
            self.copy(&mut rows, text(self.axis.parent(prefix)), text(Some(prefix)));
            self.decide(&mut rows, text(Some(prefix)), naming(&self.by_prefix, prefix));
        }
        for (listed, string) in self.axis.texts().iter().enumerate() {
            let prefix = self.axis.prefix_of(string);
            let class = Class::Text { listed: Some(listed), prefix };
            self.copy(&mut rows, text(prefix), class);
            self.decide(&mut rows, class, naming(&self.by_text, listed));
        }
        for position in 1..=2 * self.axis.numbers() {
            self.copy(&mut rows, Class::Number(position - 1), Class::Number(position));
            self.decide(&mut rows, Class::Number(position), naming(&self.by_number, (position - 1) / 2));
        }
        rows
    }

    fn copy(&self, rows: &mut [u64], from: Class, to: Class) {
        let (from, to) = (self.axis.slot(from) * self.words, self.axis.slot(to) * self.words);
        rows.copy_within(from..from + self.words, to);
    }

    fn decide(&self, rows: &mut [u64], class: Class, which: impl Iterator<Item = usize>) {
        let start = self.axis.slot(class) * self.words;
        let Some(row) = rows.get_mut(start..start + self.words) else { return };
        for (local, span) in which.filter_map(|at| self.rules.get(at)) {
            let cuts = self.cuts.get(span.clone()).unwrap_or_default();
            write(row, *local, cuts.iter().all(|cut| cut.possible(class, self.axis)));
        }
    }
}

/// The rules that name this cut, prefix or string.
fn naming(named: &[(usize, usize)], wanted: usize) -> impl Iterator<Item = usize> {
    let from = named.partition_point(|(name, _)| *name < wanted);
    named.iter().skip(from).take_while(move |(name, _)| *name == wanted).map(|(_, rule)| *rule)
}

fn write(row: &mut [u64], local: usize, bit: bool) {
    if let Some(word) = row.get_mut(local / WORD) {
        let mask = 1 << (local % WORD);
        if bit { *word |= mask } else { *word &= !mask }
    }
}
