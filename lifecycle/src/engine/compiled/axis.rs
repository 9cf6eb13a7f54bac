//! One field cut into elementary classes: inside one class no condition of the rules can tell two values apart.
//!
//! The classes are: missing; false; true; an array or object; each string that a list names; every other string, by
//! the longest `^=` prefix that it starts with; and the numbers, cut at every bound and listed number into points and
//! the open intervals between them.

use std::ops::Range;

use super::names::Names;
use crate::{
    bundle::{Scalar, Test},
    engine::Fact,
};

/// The class of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Missing,
    Bool(bool),
    Composite,
    /// A string: which listed one, and the longest prefix it starts with.
    Text {
        listed: Option<usize>,
        prefix: Option<usize>,
    },
    /// A number: `2i + 1` is the i-th cut itself, `2i` the open interval before it.
    Number(usize),
}

/// The cuts of one field.
#[derive(Debug, Clone, Default)]
pub(crate) struct Axis {
    /// Ascending, distinct.
    numbers: Vec<f64>,
    /// Ascending, distinct.
    prefixes: Vec<String>,
    /// For every prefix the longest other one that it starts with.
    parents: Vec<Option<usize>>,
    listed: Names,
    /// The same strings by their number.
    texts: Vec<String>,
}

/// Where a number of some test stands on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is a cut, at this position.
    Cut(usize),
    /// The axis is coarser than the tests: the number is somewhere in the interval at this position.
    Within(usize),
}

/// Slots of the classes that do not depend on the cuts.
pub(crate) const MISSING: usize = 0;
const FALSE: usize = 1;
const TRUE: usize = 2;
const COMPOSITE: usize = 3;
const OTHER_TEXT: usize = 4;
const TEXTS: usize = 5;

impl Axis {
    /// The axis of a field that is asked all of `tests`.
    pub(crate) fn new<'t>(tests: impl Iterator<Item = &'t Test>) -> Self {
        Self::coarse(tests, usize::MAX)
    }

    /// The same with at most `most` cuts of numbers. Where there are more, only some are kept, evenly, and a class may
    /// hold numbers that the tests tell apart.
    pub(super) fn coarse<'t>(tests: impl Iterator<Item = &'t Test>, most: usize) -> Self {
        let mut axis = Self::default();
        for test in tests {
            match test {
                Test::AtLeast(cut) | Test::AtMost(cut) | Test::Above(cut) | Test::Below(cut) => axis.numbers.push(*cut),
                Test::StartsWith(prefix) => axis.prefixes.push(prefix.clone()),
                Test::In(list) | Test::NotIn(list) => {
                    for scalar in list {
                        match scalar {
                            Scalar::Number(cut) => axis.numbers.push(*cut),
                            Scalar::String(text) => {
                                axis.listed.intern(text);
                                if axis.listed.len() > axis.texts.len() {
                                    axis.texts.push(text.clone());
                                }
                            }
                            Scalar::Bool(_) => {}
                        }
                    }
                }
                Test::Present(_) => {}
            }
        }
        // `-0` and `0` are one number.
        axis.numbers.iter_mut().for_each(|number| *number += 0.0);
        axis.numbers.sort_by(f64::total_cmp);
        axis.numbers.dedup();
        let step = axis.numbers.len().div_ceil(most.max(1)).max(1);
        if step > 1 {
            axis.numbers = axis.numbers.iter().copied().skip(step / 2).step_by(step).collect();
        }
        axis.prefixes.sort_unstable();
        axis.prefixes.dedup();
        for at in 0..axis.prefixes.len() {
            let parent = axis.parent_of(at);
            axis.parents.push(parent);
        }
        axis
    }

    /// The longest prefix before `at` in order that `at` starts with: its predecessor or one of that one's parents.
    fn parent_of(&self, at: usize) -> Option<usize> {
        let text = self.prefixes.get(at)?;
        self.climb(at.checked_sub(1), text)
    }

    fn climb(&self, mut from: Option<usize>, text: &str) -> Option<usize> {
        while let Some(at) = from {
            if self.prefixes.get(at).is_some_and(|prefix| text.starts_with(prefix.as_str())) {
                return Some(at);
            }
            from = self.parents.get(at).copied().flatten();
        }
        None
    }

    /// The longest prefix that `text` starts with. Every prefix of `text` is one of the greatest entry not after it.
    pub(super) fn prefix_of(&self, text: &str) -> Option<usize> {
        let after = self.prefixes.partition_point(|prefix| prefix.as_str() <= text);
        self.climb(after.checked_sub(1), text)
    }

    /// Whether strings whose longest prefix is `longest` start with `prefix`.
    pub(super) fn covers(&self, prefix: usize, longest: usize) -> bool {
        match (self.prefixes.get(prefix), self.prefixes.get(longest)) {
            (Some(prefix), Some(longest)) => longest.starts_with(prefix.as_str()),
            _ => false,
        }
    }

    pub(super) fn place(&self, number: f64) -> Place {
        match self.numbers.binary_search_by(|cut| cut.total_cmp(&(number + 0.0))) {
            Ok(cut) => Place::Cut(2 * cut + 1),
            Err(before) => Place::Within(2 * before),
        }
    }

    pub(super) fn text_of(&self, text: &str) -> Option<usize> {
        self.listed.get(text).map(|number| number as usize)
    }

    pub(super) fn prefix_number(&self, prefix: &str) -> Option<usize> {
        self.prefixes.binary_search_by(|other| other.as_str().cmp(prefix)).ok()
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

    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The classes every axis has, besides the listed strings, prefixes and cuts.
    pub(super) const BASE: [Class; 6] = [
        Class::Missing,
        Class::Bool(false),
        Class::Bool(true),
        Class::Composite,
        Class::Text { listed: None, prefix: None },
        Class::Number(0),
    ];

    /// The class of a value.
    pub(crate) fn classify(&self, fact: Fact<'_>) -> Class {
        match fact {
            Fact::Missing => Class::Missing,
            Fact::Bool(flag) => Class::Bool(flag),
            Fact::Array | Fact::Object => Class::Composite,
            Fact::Text(text) => match self.text_of(text) {
                // Its row knows its prefix already.
                Some(listed) => Class::Text { listed: Some(listed), prefix: None },
                None => Class::Text { listed: None, prefix: self.prefix_of(text) },
            },
            Fact::Number(number) => {
                let number = number + 0.0;
                let before = self.numbers.partition_point(|cut| *cut < number);
                let on = self.numbers.get(before).is_some_and(|cut| *cut == number);
                Class::Number(2 * before + usize::from(on))
            }
        }
    }

    /// The slot of a value.
    pub(crate) fn slot_of(&self, fact: Fact<'_>) -> usize {
        self.slot(self.classify(fact))
    }

    /// Slots of values that none of `tests` finds to be of a wrong type; a missing value never is. There may be others.
    pub(crate) fn comparable<'t, I: Iterator<Item = &'t Test>>(&self, tests: impl Fn() -> I) -> Range<usize> {
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

    /// Whether a value of this class can be of a type that one of `tests` cannot compare with.
    fn may_err<'t>(class: Class, mut tests: impl Iterator<Item = &'t Test>) -> bool {
        let listed = |list: &[Scalar]| match class {
            Class::Number(_) => list.iter().any(|scalar| matches!(scalar, Scalar::Number(_))),
            Class::Text { .. } => list.iter().any(|scalar| matches!(scalar, Scalar::String(_))),
            Class::Bool(_) => list.iter().any(|scalar| matches!(scalar, Scalar::Bool(_))),
            Class::Composite | Class::Missing => false,
        };
        class != Class::Missing
            && tests.any(|test| match test {
                Test::AtLeast(_) | Test::AtMost(_) | Test::Above(_) | Test::Below(_) => {
                    !matches!(class, Class::Number(_))
                }
                Test::StartsWith(_) => !matches!(class, Class::Text { .. }),
                Test::In(list) | Test::NotIn(list) => !listed(list),
                Test::Present(_) => false,
            })
    }

    /// The row of a class.
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

    /// How many rows there are.
    pub(crate) fn slots(&self) -> usize {
        TEXTS + self.texts.len() + self.prefixes.len() + 2 * self.numbers.len() + 1
    }
}

/// A condition's test in terms of its axis' classes.
#[derive(Debug, Clone)]
pub(super) enum Cut {
    AtLeast(usize),
    AtMost(usize),
    Above(usize),
    Below(usize),
    Member {
        wanted: bool,
        /// Those that are cuts.
        numbers: Vec<usize>,
        /// Intervals with further ones.
        within: Vec<usize>,
        texts: Vec<usize>,
        bools: Vec<bool>,
    },
    StartsWith(usize),
    Present(bool),
}

impl Cut {
    /// Positions are those of [`Class::Number`].
    pub(super) fn new(test: &Test, axis: &Axis) -> Self {
        let member = |list: &[Scalar], wanted: bool| {
            let (mut numbers, mut within, mut texts, mut bools) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for scalar in list {
                match scalar {
                    Scalar::Number(number) => match axis.place(*number) {
                        Place::Cut(position) => numbers.push(position),
                        Place::Within(position) => within.push(position),
                    },
                    Scalar::String(text) => texts.extend(axis.text_of(text)),
                    Scalar::Bool(flag) => bools.push(*flag),
                }
            }
            numbers.sort_unstable();
            within.sort_unstable();
            within.dedup();
            texts.sort_unstable();
            Self::Member { wanted, numbers, within, texts, bools }
        };
        // Of an interval with the number in it, a part is above and a part below.
        let or_within = |limit: &f64, cut: fn(usize) -> Self, within: fn(usize) -> Self| match axis.place(*limit) {
            Place::Cut(position) => cut(position),
            Place::Within(position) => within(position),
        };
        match test {
            Test::AtLeast(limit) => or_within(limit, Self::AtLeast, Self::AtLeast),
            Test::AtMost(limit) => or_within(limit, Self::AtMost, Self::AtMost),
            Test::Above(limit) => or_within(limit, Self::Above, Self::AtLeast),
            Test::Below(limit) => or_within(limit, Self::Below, Self::AtMost),
            Test::In(list) => member(list, true),
            Test::NotIn(list) => member(list, false),
            Test::StartsWith(prefix) => Self::StartsWith(axis.prefix_number(prefix).unwrap_or(usize::MAX)),
            Test::Present(wanted) => Self::Present(*wanted),
        }
    }

    /// Whether the test is not false for some value of this class: true, or in error because of its type.
    pub(super) fn possible(&self, class: Class, axis: &Axis) -> bool {
        if let Self::Present(wanted) = self {
            return (class != Class::Missing) == *wanted;
        }
        match (self, class) {
            (_, Class::Missing) => false,
            (Self::AtLeast(cut), Class::Number(position)) => position >= *cut,
            (Self::AtMost(cut), Class::Number(position)) => position <= *cut,
            (Self::Above(cut), Class::Number(position)) => position > *cut,
            (Self::Below(cut), Class::Number(position)) => position < *cut,
            (Self::StartsWith(wanted), Class::Text { prefix, .. }) => {
                prefix.is_some_and(|longest| axis.covers(*wanted, longest))
            }
            (Self::Member { wanted, numbers, within, .. }, Class::Number(position)) => {
                (numbers.is_empty() && within.is_empty())
                    || numbers.binary_search(&position).is_ok() == *wanted
                    || within.binary_search(&position).is_ok()
            }
            (Self::Member { wanted, texts, .. }, Class::Text { listed, .. }) => {
                texts.is_empty() || listed.is_some_and(|text| texts.binary_search(&text).is_ok()) == *wanted
            }
            (Self::Member { wanted, bools, .. }, Class::Bool(flag)) => {
                bools.is_empty() || bools.contains(&flag) == *wanted
            }
            // A type that the test cannot compare with.
            _ => true,
        }
    }
}
