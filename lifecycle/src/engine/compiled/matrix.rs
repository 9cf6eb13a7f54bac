//! The rows of bits of one run of rules.

use std::collections::BTreeMap;

use super::{
    axis::{Axis, Class, Cut},
    facts::Facts,
    summary::{self, Skimmed, Summaries},
};
use crate::bundle::{Rule, Test};

/// Rules a word has bits for.
pub(super) const WORD: usize = 64;
/// Words that are combined at a time.
const BLOCK: usize = 8;

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
    /// The matrix of the rules with these ranks.
    pub(crate) fn new(rules: &[Rule], rule_fields: &[Vec<u32>], ranks: &[u32]) -> Self {
        let words = ranks.len().div_ceil(WORD);
        // By field: which rules look at it, and with which tests.
        let mut touching: BTreeMap<u32, Vec<(usize, Vec<&Test>)>> = BTreeMap::new();
        for (local, rank) in ranks.iter().enumerate() {
            let at = usize::try_from(*rank).unwrap_or(usize::MAX);
            let (Some(rule), Some(fields)) = (rules.get(at), rule_fields.get(at)) else { continue };
            for (condition, field) in rule.conditions.iter().zip(fields) {
                let rules = touching.entry(*field).or_default();
                match rules.last_mut() {
                    Some((last, tests)) if *last == local => tests.push(&condition.test),
                    _ => rules.push((local, vec![&condition.test])),
                }
            }
        }
        let columns = touching
            .into_iter()
            .map(|(field, touching)| {
                let axis = Axis::new(touching.iter().flat_map(|(_, tests)| tests.iter().copied()));
                let rows = Rows::new(&axis, ranks.len(), words, &touching).fill();
                Column { field, axis, summaries: Summaries::new(&rows, words), rows }
            })
            .collect();
        Self { ranks: ranks.to_vec(), words, columns }
    }

    pub(super) fn first_rank(&self) -> Option<u32> {
        self.ranks.first().copied()
    }

    /// The rank of the first rule none of whose conditions is false.
    pub(super) fn first(&self, facts: &impl Facts) -> Option<u32> {
        let row = |slot: usize| slot * self.words..(slot + 1) * self.words;
        if self.words >= summary::FROM_WORDS && !self.columns.is_empty() {
            let mut rows: Vec<Skimmed<'_>> = Vec::with_capacity(self.columns.len());
            for column in &self.columns {
                let slot = column.axis.slot_of(facts.fact(column.field));
                let (weight, summary) = column.summaries.of(slot)?;
                rows.push(Skimmed { weight, summary, row: column.rows.get(row(slot))? });
            }
            return summary::first_in_all(&mut rows).and_then(|local| self.ranks.get(local).copied());
        }
        let rows: Vec<&[u64]> = self
            .columns
            .iter()
            .filter_map(|column| column.rows.get(row(column.axis.slot_of(facts.fact(column.field)))))
            .collect();
        // Past the last rule only when no rule of the run has any condition.
        first_in_all(&rows, self.words).and_then(|local| self.ranks.get(local).copied())
    }

    /// The ranks of its rules, in evaluation order.
    pub(crate) fn ranks(&self) -> &[u32] {
        &self.ranks
    }

    /// Words of a row.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// The fields with their axes and rows: [`Axis::slots`] rows of [`Self::words`] words.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (u32, &Axis, &[u64])> {
        self.columns.iter().map(|column| (column.field, &column.axis, column.rows.as_slice()))
    }
}

/// The first bit that is set in every one of `rows`, which have `words` words.
fn first_in_all(rows: &[&[u64]], words: usize) -> Option<usize> {
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
            if bits != 0 {
                return Some(word * WORD + usize::try_from(bits.trailing_zeros()).ok()?);
            }
        }
        start = end;
    }
    None
}

/// What rows for some rules take.
struct Demand {
    fields: usize,
    conditions: usize,
    cuts: usize,
}

impl Demand {
    fn of(rules: &[Rule], ranks: &[u32]) -> Self {
        let rule = |rank: &u32| usize::try_from(*rank).ok().and_then(|at| rules.get(at));
        let conditions = || ranks.iter().filter_map(rule).flat_map(|rule| &rule.conditions);
        let fields: std::collections::BTreeSet<&str> = conditions().map(|condition| condition.field.as_str()).collect();
        let cuts = conditions().map(|condition| match &condition.test {
            Test::In(list) | Test::NotIn(list) => 2 * list.len(),
            Test::Present(_) => 0,
            _ => 2,
        });
        Self { fields: fields.len(), cuts: cuts.sum(), conditions: conditions().count() }
    }

    /// About how many bytes the rows take when the rules are cut into `runs` of `length`.
    fn bytes(&self, runs: usize, length: usize) -> usize {
        let fields = self.fields.min(self.conditions.div_ceil(runs));
        let slots = 6 * fields + self.cuts.div_ceil(runs);
        runs.saturating_mul(slots).saturating_mul(length.div_ceil(WORD) * 8)
    }
}

/// About how many bytes the rows of these rules take, not cut into runs.
pub(crate) fn estimate(rules: &[Rule], ranks: &[u32]) -> usize {
    Demand::of(rules, ranks).bytes(1, ranks.len())
}

/// How many rules a run may have, so that the rows of a group stay within `bytes`: the whole group, or a power of two
/// of it. Rows grow with the square of a run, because more rules mean more cuts and longer rows.
pub(super) fn run_length(rules: &[Rule], ranks: &[u32], bytes: usize) -> usize {
    let demand = Demand::of(rules, ranks);
    let mut length = ranks.len();
    loop {
        if demand.bytes(ranks.len().div_ceil(length), length) <= bytes || length <= WORD {
            return length;
        }
        length = length.div_ceil(2);
    }
}

/// The rows of one column while they are filled.
struct Rows<'a> {
    axis: &'a Axis,
    words: usize,
    rows: Vec<u64>,
    /// The rules that look at the field, with their tests in terms of its classes.
    rules: Vec<(usize, Vec<Cut>)>,
    /// Which of `rules` name each cut, prefix and listed string.
    by_number: Vec<Vec<usize>>,
    by_prefix: Vec<Vec<usize>>,
    by_text: Vec<Vec<usize>>,
    /// Rules that do not look at the field.
    free: Vec<u64>,
}

impl<'a> Rows<'a> {
    fn new(axis: &'a Axis, count: usize, words: usize, touching: &[(usize, Vec<&Test>)]) -> Self {
        let mut rows = Self {
            axis,
            words,
            rows: vec![0; axis.slots() * words],
            rules: Vec::with_capacity(touching.len()),
            by_number: vec![Vec::new(); axis.numbers()],
            by_prefix: vec![Vec::new(); axis.prefixes()],
            by_text: vec![Vec::new(); axis.texts().len()],
            free: vec![0; words],
        };
        (0..count).for_each(|local| write(&mut rows.free, local, true));
        for (at, (local, tests)) in touching.iter().enumerate() {
            write(&mut rows.free, *local, false);
            let cuts: Vec<Cut> = tests.iter().map(|test| Cut::new(test, axis)).collect();
            for cut in &cuts {
                rows.note(at, cut);
            }
            rows.rules.push((*local, cuts));
        }
        rows
    }

    fn note(&mut self, at: usize, cut: &Cut) {
        let add = |lists: &mut Vec<Vec<usize>>, number: usize| {
            if let Some(list) = lists.get_mut(number)
                && list.last() != Some(&at)
            {
                list.push(at);
            }
        };
        match cut {
            Cut::AtLeast(position) | Cut::AtMost(position) | Cut::Above(position) | Cut::Below(position) => {
                add(&mut self.by_number, position / 2);
            }
            Cut::Member { numbers, texts, .. } => {
                numbers.iter().for_each(|position| add(&mut self.by_number, position / 2));
                texts.iter().for_each(|text| add(&mut self.by_text, *text));
            }
            Cut::StartsWith(prefix) => add(&mut self.by_prefix, *prefix),
            Cut::Present(_) => {}
        }
    }

    /// Fills every row. A row differs from its neighbour only in the rules that name the cut between them, so each is a
    /// copy with a few bits written again.
    fn fill(mut self) -> Vec<u64> {
        let all: Vec<usize> = (0..self.rules.len()).collect();
        for class in Axis::BASE {
            let start = self.axis.slot(class) * self.words;
            for (word, bits) in self.rows.iter_mut().skip(start).zip(&self.free) {
                *word = *bits;
            }
            self.decide(class, &all);
        }
        for prefix in 0..self.axis.prefixes() {
            let class = |prefix| Class::Text { listed: None, prefix };
            self.copy(class(self.axis.parent(prefix)), class(Some(prefix)));
            let named = self.by_prefix.get_mut(prefix).map(std::mem::take).unwrap_or_default();
            self.decide(class(Some(prefix)), &named);
        }
        for listed in 0..self.axis.texts().len() {
            let prefix = self.axis.texts().get(listed).and_then(|text| self.axis.prefix_of(text));
            let class = Class::Text { listed: Some(listed), prefix };
            self.copy(Class::Text { listed: None, prefix }, class);
            let named = self.by_text.get_mut(listed).map(std::mem::take).unwrap_or_default();
            self.decide(class, &named);
        }
        for position in 1..=2 * self.axis.numbers() {
            self.copy(Class::Number(position - 1), Class::Number(position));
            let named = self.by_number.get((position - 1) / 2).cloned().unwrap_or_default();
            self.decide(Class::Number(position), &named);
        }
        self.rows
    }

    fn copy(&mut self, from: Class, to: Class) {
        let (from, to) = (self.axis.slot(from) * self.words, self.axis.slot(to) * self.words);
        self.rows.copy_within(from..from + self.words, to);
    }

    fn decide(&mut self, class: Class, rules: &[usize]) {
        let start = self.axis.slot(class) * self.words;
        let Some(row) = self.rows.get_mut(start..start + self.words) else { return };
        for (local, cuts) in rules.iter().filter_map(|at| self.rules.get(*at)) {
            write(row, *local, cuts.iter().all(|cut| cut.possible(class, self.axis)));
        }
    }
}

fn write(row: &mut [u64], local: usize, bit: bool) {
    if let Some(word) = row.get_mut(local / WORD) {
        let mask = 1 << (local % WORD);
        if bit { *word |= mask } else { *word &= !mask }
    }
}
