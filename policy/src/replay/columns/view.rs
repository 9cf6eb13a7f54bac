//! Fields as the engine reads them, from the columns of a corpus.

use std::ops::Range;

use crate::{
    engine::{
        Fact,
        compiled::{
            axis::{Axis, Class},
            coded_test::CodedTest,
        },
    },
    replay::corpus::{
        Column, Columnar, Name,
        column::{ABSENT, NULL},
    },
};

/// Marks a code that has no value for the field.
const KEEP: u32 = u32::MAX;

/// The columns that hold the value at a dotted path, in ascending precedence: a later column with a value wins.
#[derive(Debug)]
pub(in crate::replay) struct View {
    sources: Vec<Source>,
}

#[derive(Debug)]
struct Source {
    /// The position among the columns.
    column: usize,
    role: Role,
}

/// What a column says about the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The value at the path.
    At,
    /// A value below the path: the path holds an object.
    Inside,
    /// A value at or below the first segment of the path, null included: the key spelled like the whole path, which the
    /// columns before this one hold, is not looked at.
    FirstSegment,
}

impl View {
    /// The view of a dotted path. Where the first segment is a member of the context, the path is followed; only
    /// elsewhere does a single key spelled like the whole path count, as in [`lookup`](crate::engine::condition::lookup).
    pub(in crate::replay) fn new(corpus: &Columnar, path: &str) -> Self {
        let mut sources = Vec::new();
        let flat = vec![path.to_owned()];
        let nested: Vec<String> = path.split('.').map(str::to_owned).collect();
        add(corpus, &flat, &mut sources);
        if nested != flat {
            if !sources.is_empty() {
                let mut first = Vec::new();
                add(corpus, nested.get(..1).unwrap_or_default(), &mut first);
                sources.extend(first.into_iter().map(|source| Source { role: Role::FirstSegment, ..source }));
            }
            add(corpus, &nested, &mut sources);
        }
        Self { sources }
    }

    /// Whether no row has the field.
    pub(super) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The value at the path in one row.
    pub(in crate::replay) fn fact<'c>(&self, corpus: &'c Columnar, row: usize) -> Fact<'c> {
        for (source, column) in self.columns(corpus).rev() {
            match (column.code(row), source.role) {
                (ABSENT, _) => {}
                (_, Role::Inside) => return Fact::Object,
                (_, Role::FirstSegment) => return Fact::Missing,
                (NULL, Role::At) => {}
                (code, Role::At) => return column.values.fact(code),
            }
        }
        Fact::Missing
    }

    fn columns<'c>(&self, corpus: &'c Columnar) -> impl DoubleEndedIterator<Item = (&Source, &'c Column)> {
        self.sources.iter().filter_map(|source| Some((source, corpus.column(source.column)?)))
    }

    /// For every source, the class of each of its codes.
    pub(super) fn tables(&self, corpus: &Columnar, classify: impl Fn(Fact<'_>) -> u32) -> Vec<Vec<u32>> {
        self.columns(corpus)
            .map(|(source, column)| {
                let codes = u32::try_from(column.values.codes()).unwrap_or(u32::MAX);
                (0..codes)
                    .map(|code| match (code, source.role) {
                        (ABSENT, _) | (NULL, Role::At) => KEEP,
                        (_, Role::Inside) => classify(Fact::Object),
                        (_, Role::FirstSegment) => classify(Fact::Missing),
                        (code, Role::At) => classify(column.values.fact(code)),
                    })
                    .collect()
            })
            .collect()
    }

    /// The class of one row according to `tables`; `missing` where the field is missing.
    pub(super) fn table_at(&self, corpus: &Columnar, tables: &[Vec<u32>], row: usize, missing: u32) -> u32 {
        let mut said = missing;
        for ((_, column), table) in self.columns(corpus).zip(tables) {
            match table.get(column.code(row) as usize) {
                Some(&class) if class != KEEP => said = class,
                _ => {}
            }
        }
        said
    }

    /// Writes the class of every row of `range` according to `tables`; `missing` where the field is missing.
    pub(super) fn fill(
        &self,
        corpus: &Columnar,
        tables: &[Vec<u32>],
        range: &Range<usize>,
        missing: u32,
        out: &mut Vec<u32>,
    ) {
        out.clear();
        out.resize(range.len(), missing);
        for ((_, column), table) in self.columns(corpus).zip(tables) {
            column.each(range.clone(), |at, code| {
                let class = table.get(code as usize).copied().unwrap_or(KEEP);
                if class != KEEP
                    && let Some(slot) = out.get_mut(at)
                {
                    *slot = class;
                }
            });
        }
    }
}

/// The columns below and at a path, those below first. No row has a value both at a path and below it.
fn add(corpus: &Columnar, path: &[String], sources: &mut Vec<Source>) {
    let at = corpus.position(&Name::Field(path.to_vec()));
    let (from, exact) = match at {
        Ok(found) => (found + 1, Some(found)),
        Err(next) => (next, None),
    };
    let below = |number: &usize| {
        corpus.name(*number).is_some_and(|name| matches!(name, Name::Field(longer) if longer.starts_with(path)))
    };
    sources.extend((from..).take_while(below).map(|column| Source { column, role: Role::Inside }));
    sources.extend(exact.map(|column| Source { column, role: Role::At }));
}

/// A field with the classes that all rules of the bundle together distinguish.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) view: View,
    pub(super) axis: Axis,
    /// The class of every code, by source; empty when no row has the field.
    pub(super) tables: Vec<Vec<u32>>,
}

impl Field {
    /// The field at `path`, which rules test with `tests`; `number` looks up the number of a string among those that
    /// the tests list.
    pub(super) fn new<'c>(
        corpus: &Columnar,
        path: &str,
        tests: impl Iterator<Item = CodedTest<'c>>,
        number: impl Fn(&str) -> Option<u32>,
    ) -> Self {
        let (view, axis) = (View::new(corpus, path), Axis::new(tests));
        let tables = view.tables(corpus, |fact| u32::try_from(axis.slot_of(fact, &number)).unwrap_or(KEEP));
        Self { view, axis, tables }
    }

    /// The class of a missing value.
    pub(super) fn missing(&self) -> u32 {
        u32::try_from(self.axis.slot(Class::Missing)).unwrap_or_default()
    }
}
