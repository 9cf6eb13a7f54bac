//! Building the rows of one field for some rules.

use std::{collections::BTreeMap, ops::Range};

use super::{
    axis::{Axis, Class},
    checks::Checks,
    class_test::ClassTest,
    coded_test::CodedTest,
    word::WORD,
};

/// The tests of the rules with these ranks, by field, each with the place of its rule among the ranks, ascending.
pub(super) fn tests_by_field<'c>(checks: &'c Checks, ranks: &[u32]) -> BTreeMap<u32, Vec<(usize, CodedTest<'c>)>> {
    let mut tests_by_field: BTreeMap<u32, Vec<(usize, CodedTest<'_>)>> = BTreeMap::new();
    for (local, rank) in ranks.iter().enumerate() {
        for (field, test) in checks.tests(*rank) {
            tests_by_field.entry(field).or_default().push((local, test));
        }
    }
    tests_by_field
}

/// Builds the rows of one column.
pub(super) struct RowBuilder<'a> {
    axis: &'a Axis,
    words: usize,
    /// The rules that test the field, each with the span of its tests in `tests`.
    rules: Vec<(usize, Range<usize>)>,
    /// The rules' tests of the field's classes.
    tests: Vec<ClassTest>,
    // INVARIANT: the next three are sorted. Each maps a threshold, prefix or listed string to the `rules` that name it.
    by_number: Vec<(usize, usize)>,
    by_prefix: Vec<(usize, usize)>,
    by_text: Vec<(usize, usize)>,
    /// Rules that do not test the field.
    free: Vec<u64>,
}

impl<'a> RowBuilder<'a> {
    pub(super) fn new(axis: &'a Axis, count: usize, words: usize, tests_by_field: &[(usize, CodedTest<'_>)]) -> Self {
        let mut builder = Self {
            axis,
            words,
            rules: Vec::with_capacity(tests_by_field.len()),
            tests: Vec::with_capacity(tests_by_field.len()),
            by_number: Vec::new(),
            by_prefix: Vec::new(),
            by_text: Vec::new(),
            free: vec![0; words],
        };
        (0..count).for_each(|local| write(&mut builder.free, local, true));
        for (local, test) in tests_by_field {
            let class_test = ClassTest::new(*test, axis);
            match builder.rules.last_mut() {
                Some((last, span)) if last == local => span.end += 1,
                _ => {
                    write(&mut builder.free, *local, false);
                    builder.rules.push((*local, builder.tests.len()..builder.tests.len() + 1));
                }
            }
            builder.tests.push(class_test);
        }
        for rule in 0..builder.rules.len() {
            builder.note(rule);
        }
        for named in [&mut builder.by_number, &mut builder.by_prefix, &mut builder.by_text] {
            named.sort_unstable();
            named.dedup();
        }
        builder
    }

    /// Records the thresholds, prefixes and strings of a rule.
    fn note(&mut self, rule: usize) {
        let tests = self.rules.get(rule).and_then(|(_, span)| self.tests.get(span.clone())).unwrap_or_default();
        // The result of a test changes at its threshold, or at both ends of the interval that contains its number.
        let mut number = |position: &usize| {
            self.by_number.push((position / 2, rule));
            if let Some(before) = (position / 2).checked_sub(1).filter(|_| position.is_multiple_of(2)) {
                self.by_number.push((before, rule));
            }
        };
        for test in tests {
            match test {
                ClassTest::AtLeast(position)
                | ClassTest::AtMost(position)
                | ClassTest::Above(position)
                | ClassTest::Below(position) => {
                    number(position);
                }
                ClassTest::Member { numbers, within, texts, .. } => {
                    numbers.iter().chain(within).for_each(&mut number);
                    // When the only test is a list, `fill_lists` writes the results of its strings.
                    if tests.len() > 1 {
                        self.by_text.extend(texts.iter().map(|text| (*text, rule)));
                    }
                }
                ClassTest::StartsWith(prefix) => self.by_prefix.push((*prefix, rule)),
                ClassTest::Present(_) => {}
            }
        }
    }

    /// The rows. A row differs from its neighbour only in the rules that name the threshold between the two, so each
    /// row is a copy of its neighbour with a few bits rewritten. `string` gives the string with a number.
    pub(super) fn fill<'t>(&self, string: impl Fn(u32) -> &'t str) -> Vec<u64> {
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
        for (listed, number) in self.axis.texts().iter().enumerate() {
            let prefix = if self.axis.prefixes() == 0 { None } else { self.axis.prefix_of(string(*number)) };
            let class = Class::Text { listed: Some(listed), prefix };
            self.copy(&mut rows, text(prefix), class);
            self.decide(&mut rows, class, naming(&self.by_text, listed));
        }
        self.fill_lists(&mut rows);
        for position in 1..=2 * self.axis.numbers() {
            self.copy(&mut rows, Class::Number(position - 1), Class::Number(position));
            self.decide(&mut rows, Class::Number(position), naming(&self.by_number, (position - 1) / 2));
        }
        rows
    }

    /// Writes the bits of rules whose only test is a list, in the rows of the strings in the list.
    fn fill_lists(&self, rows: &mut [u64]) {
        for (local, span) in &self.rules {
            let Some([ClassTest::Member { wanted, texts, .. }]) = self.tests.get(span.clone()) else { continue };
            for text in texts {
                let start = self.axis.slot(Class::Text { listed: Some(*text), prefix: None }) * self.words;
                if let Some(row) = rows.get_mut(start..start + self.words) {
                    write(row, *local, *wanted);
                }
            }
        }
    }

    fn copy(&self, rows: &mut [u64], from: Class, to: Class) {
        let (from, to) = (self.axis.slot(from) * self.words, self.axis.slot(to) * self.words);
        rows.copy_within(from..from + self.words, to);
    }

    fn decide(&self, rows: &mut [u64], class: Class, which: impl Iterator<Item = usize>) {
        let start = self.axis.slot(class) * self.words;
        let Some(row) = rows.get_mut(start..start + self.words) else { return };
        for (local, span) in which.filter_map(|at| self.rules.get(at)) {
            let tests = self.tests.get(span.clone()).unwrap_or_default();
            write(row, *local, tests.iter().all(|test| test.possible(class, self.axis)));
        }
    }
}

/// The rules that name this threshold, prefix or string.
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
