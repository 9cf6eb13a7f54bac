//! One field cut into elementary classes: no condition of the rules distinguishes two values of one class.
//!
//! The classes are: missing; false; true; arrays and objects; each listed string; all other strings, by their longest
//! `^=` prefix; and the numbers, cut at every bound and listed number into points and the open intervals between them.

use std::ops::Range;

use super::{
    coded_test::{CodedList, CodedTest, CodedValue},
    thresholds::Thresholds,
};
use crate::engine::Fact;

/// The class of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Missing,
    Bool(bool),
    Composite,
    /// A string: its place among the listed strings, and the longest prefix that it starts with.
    Text {
        listed: Option<usize>,
        prefix: Option<usize>,
    },
    /// A number: `2i + 1` is the i-th threshold itself, `2i` the open interval before it.
    Number(usize),
}

/// The classes of one field.
#[derive(Debug, Clone, Default)]
pub(crate) struct Axis {
    numbers: Thresholds,
    /// Ascending, distinct.
    prefixes: Vec<Box<str>>,
    /// For every prefix, the longest other prefix that it starts with.
    parents: Vec<Option<usize>>,
    /// Listed strings, by their number in the field's dictionary; ascending, distinct.
    texts: Vec<u32>,
}

/// The slots of the classes that every axis has.
pub(crate) const MISSING: usize = 0;
const FALSE: usize = 1;
const TRUE: usize = 2;
const COMPOSITE: usize = 3;
const OTHER_TEXT: usize = 4;
const TEXTS: usize = 5;

impl Axis {
    /// The axis of a field with these `tests`.
    pub(crate) fn new<'c>(tests: impl Iterator<Item = CodedTest<'c>>) -> Self {
        Self::coarse(tests, usize::MAX)
    }

    /// An axis with at most `most` thresholds. When the tests have more thresholds, an even selection is used, and a
    /// class may then contain numbers that the tests distinguish.
    pub(super) fn coarse<'c>(tests: impl Iterator<Item = CodedTest<'c>>, most: usize) -> Self {
        let mut axis = Self::default();
        let mut numbers = Vec::new();
        for test in tests {
            match test {
                CodedTest::AtLeast(limit)
                | CodedTest::AtMost(limit)
                | CodedTest::Above(limit)
                | CodedTest::Below(limit) => numbers.push(limit),
                CodedTest::StartsWith(prefix) => axis.prefixes.push(prefix.into()),
                CodedTest::In(list) | CodedTest::NotIn(list) => {
                    for item in list.items() {
                        match item {
                            CodedValue::Number(limit) => numbers.push(limit),
                            CodedValue::Text(text) => axis.texts.push(text),
                            CodedValue::Bool(_) => {}
                        }
                    }
                }
                CodedTest::Present(_) => {}
            }
        }
        axis.numbers = Thresholds::new(numbers, most);
        axis.texts.sort_unstable();
        axis.texts.dedup();
        axis.texts.shrink_to_fit();
        axis.prefixes.sort_unstable();
        axis.prefixes.dedup();
        axis.prefixes.shrink_to_fit();
        for at in 0..axis.prefixes.len() {
            let parent = axis.parent_of(at);
            axis.parents.push(parent);
        }
        axis
    }

    /// The longest other prefix that the prefix at `at` starts with: its predecessor or one of the predecessor's
    /// parents.
    fn parent_of(&self, at: usize) -> Option<usize> {
        let text = self.prefixes.get(at)?;
        self.climb(at.checked_sub(1), text)
    }

    fn climb(&self, mut from: Option<usize>, text: &str) -> Option<usize> {
        while let Some(at) = from {
            if self.prefixes.get(at).is_some_and(|prefix| text.starts_with(&**prefix)) {
                return Some(at);
            }
            from = self.parents.get(at).copied().flatten();
        }
        None
    }

    /// The longest prefix that `text` starts with. Every listed prefix of `text` is also a prefix of the greatest entry
    /// that is not after `text`.
    pub(super) fn prefix_of(&self, text: &str) -> Option<usize> {
        let after = self.prefixes.partition_point(|prefix| &**prefix <= text);
        self.climb(after.checked_sub(1), text)
    }

    /// Whether strings whose longest prefix is `longest` start with `prefix`.
    pub(super) fn covers(&self, prefix: usize, longest: usize) -> bool {
        match (self.prefixes.get(prefix), self.prefixes.get(longest)) {
            (Some(prefix), Some(longest)) => longest.starts_with(&**prefix),
            _ => false,
        }
    }

    /// The position of the number of a test. If the number is not a threshold, the axis is coarser than the tests, and
    /// the number lies somewhere in the interval.
    pub(super) fn place(&self, number: f64) -> usize {
        self.numbers.place(number)
    }

    /// The place, among the listed strings, of the string with this number in the dictionary.
    pub(super) fn text_of(&self, text: u32) -> Option<usize> {
        // Often every string of the field is listed; the place then equals the number.
        let same = text as usize;
        if self.texts.get(same) == Some(&text) { Some(same) } else { self.texts.binary_search(&text).ok() }
    }

    pub(super) fn prefix_number(&self, prefix: &str) -> Option<usize> {
        self.prefixes.binary_search_by(|other| (**other).cmp(prefix)).ok()
    }

    pub(super) fn numbers(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn prefixes(&self) -> usize {
        self.prefixes.len()
    }

    pub(super) fn parent(&self, prefix: usize) -> Option<usize> {
        self.parents.get(prefix).copied().flatten()
    }

    /// The listed strings, by their number in the field's dictionary.
    pub(super) fn texts(&self) -> &[u32] {
        &self.texts
    }

    /// The classes that every axis has, besides the listed strings, prefixes and thresholds.
    pub(super) const BASE: [Class; 6] = [
        Class::Missing,
        Class::Bool(false),
        Class::Bool(true),
        Class::Composite,
        Class::Text { listed: None, prefix: None },
        Class::Number(0),
    ];

    /// The class of a value; `number` finds the number of a string in the field's dictionary.
    #[inline]
    pub(crate) fn classify(&self, fact: Fact<'_>, number: impl Fn(&str) -> Option<u32>) -> Class {
        match fact {
            Fact::Missing => Class::Missing,
            Fact::Bool(flag) => Class::Bool(flag),
            Fact::Array | Fact::Object => Class::Composite,
            Fact::Text(text) => {
                let listed =
                    if self.texts.is_empty() { None } else { number(text).and_then(|text| self.text_of(text)) };
                match listed {
                    // The row of a listed string already accounts for its prefix.
                    Some(listed) => Class::Text { listed: Some(listed), prefix: None },
                    None => Class::Text { listed: None, prefix: self.prefix_of(text) },
                }
            }
            Fact::Number(number) => Class::Number(self.numbers.place(number)),
        }
    }

    /// The slot of a value.
    #[inline]
    pub(crate) fn slot_of(&self, fact: Fact<'_>, number: impl Fn(&str) -> Option<u32>) -> usize {
        self.slot(self.classify(fact, number))
    }

    /// For each slot of this axis, the corresponding slot of `coarser`, all of whose thresholds are also thresholds of
    /// this axis; `text` gives the string with a number.
    pub(super) fn onto<'t>(&self, coarser: &Self, text: impl Fn(u32) -> &'t str) -> Vec<u32> {
        let mut onto = Vec::with_capacity(self.slots());
        let mut add = |class| onto.push(u32::try_from(coarser.slot(class)).unwrap_or(u32::MAX));
        [Class::Missing, Class::Bool(false), Class::Bool(true), Class::Composite].into_iter().for_each(&mut add);
        add(Class::Text { listed: None, prefix: None });
        for number in &self.texts {
            let listed = coarser.text_of(*number);
            add(Class::Text { listed, prefix: if listed.is_some() { None } else { coarser.prefix_of(text(*number)) } });
        }
        for prefix in &self.prefixes {
            add(Class::Text { listed: None, prefix: coarser.prefix_of(prefix) });
        }
        for threshold in self.numbers.as_slice() {
            add(Class::Number(2 * coarser.numbers.below(*threshold)));
            add(Class::Number(coarser.numbers.place(*threshold)));
        }
        add(Class::Number(2 * coarser.numbers.len()));
        onto
    }

    /// Slots of values that none of `tests` rejects for having the wrong type; a missing value is never rejected.
    /// Further slots may have this property.
    pub(crate) fn comparable<'c, I: Iterator<Item = CodedTest<'c>>>(&self, tests: impl Fn() -> I) -> Range<usize> {
        let numbers = self.slot(Class::Number(0));
        let comparable = |class| !Self::may_err(class, tests());
        if comparable(Class::Number(0)) {
            numbers..self.slots()
        } else if comparable(Class::Text { listed: None, prefix: None }) {
            OTHER_TEXT..numbers
        } else if comparable(Class::Bool(false)) {
            FALSE..COMPOSITE
        } else {
            0..0
        }
    }

    /// Whether a value of this class can have a type that one of `tests` cannot compare with.
    fn may_err<'c>(class: Class, mut tests: impl Iterator<Item = CodedTest<'c>>) -> bool {
        let listed = |list: CodedList<'_>| {
            list.items().any(|item| match class {
                Class::Number(_) => matches!(item, CodedValue::Number(_)),
                Class::Text { .. } => matches!(item, CodedValue::Text(_)),
                Class::Bool(_) => matches!(item, CodedValue::Bool(_)),
                Class::Composite | Class::Missing => false,
            })
        };
        class != Class::Missing
            && tests.any(|test| match test {
                CodedTest::AtLeast(_) | CodedTest::AtMost(_) | CodedTest::Above(_) | CodedTest::Below(_) => {
                    !matches!(class, Class::Number(_))
                }
                CodedTest::StartsWith(_) => !matches!(class, Class::Text { .. }),
                CodedTest::In(list) | CodedTest::NotIn(list) => !listed(list),
                CodedTest::Present(_) => false,
            })
    }

    /// The row number of a class.
    #[inline]
    pub(crate) fn slot(&self, class: Class) -> usize {
        match class {
            Class::Missing => MISSING,
            Class::Bool(false) => FALSE,
            Class::Bool(true) => TRUE,
            Class::Composite => COMPOSITE,
            Class::Text { listed: Some(listed), .. } => TEXTS + listed,
            Class::Text { listed: None, prefix: None } => OTHER_TEXT,
            Class::Text { listed: None, prefix: Some(prefix) } => TEXTS + self.texts.len() + prefix,
            Class::Number(position) => TEXTS + self.texts.len() + self.prefixes.len() + position,
        }
    }

    /// The number of rows.
    pub(crate) fn slots(&self) -> usize {
        TEXTS + self.texts.len() + self.prefixes.len() + 2 * self.numbers.len() + 1
    }
}
