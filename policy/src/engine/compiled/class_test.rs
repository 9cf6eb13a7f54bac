//! A condition's test, expressed in the classes of its field.

use super::{
    axis::{Axis, Class},
    coded_test::{CodedList, CodedTest, CodedValue},
};

/// A condition's test of the classes of its axis.
#[derive(Debug, Clone)]
pub(super) enum ClassTest {
    AtLeast(usize),
    AtMost(usize),
    Above(usize),
    Below(usize),
    Member {
        wanted: bool,
        /// The positions of listed numbers that are thresholds of the axis.
        numbers: Vec<usize>,
        /// The positions of intervals that contain further listed numbers.
        within: Vec<usize>,
        texts: Vec<usize>,
        bools: Vec<bool>,
    },
    StartsWith(usize),
    Present(bool),
}

impl ClassTest {
    /// The test in terms of the classes of `axis`; positions are those of [`Class::Number`].
    pub(super) fn new(test: CodedTest<'_>, axis: &Axis) -> Self {
        let member = |list: CodedList<'_>, wanted: bool| {
            let (mut numbers, mut within, mut texts, mut bools) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            if let CodedList::Texts(codes) = list {
                texts.reserve_exact(codes.len());
            }
            for item in list.items() {
                match item {
                    CodedValue::Number(number) => {
                        let position = axis.place(number);
                        if is_threshold(position) { &mut numbers } else { &mut within }.push(position);
                    }
                    CodedValue::Text(text) => texts.extend(axis.text_of(text)),
                    CodedValue::Bool(flag) => bools.push(flag),
                }
            }
            numbers.sort_unstable();
            within.sort_unstable();
            within.dedup();
            texts.sort_unstable();
            Self::Member { wanted, numbers, within, texts, bools }
        };
        // When an interval contains the limit, part of the interval is above the limit and part below.
        let or_within = |limit: f64, exact: fn(usize) -> Self, within: fn(usize) -> Self| {
            let position = axis.place(limit);
            if is_threshold(position) { exact(position) } else { within(position) }
        };
        match test {
            CodedTest::AtLeast(limit) => Self::AtLeast(axis.place(limit)),
            CodedTest::AtMost(limit) => Self::AtMost(axis.place(limit)),
            CodedTest::Above(limit) => or_within(limit, Self::Above, Self::AtLeast),
            CodedTest::Below(limit) => or_within(limit, Self::Below, Self::AtMost),
            CodedTest::In(list) => member(list, true),
            CodedTest::NotIn(list) => member(list, false),
            CodedTest::StartsWith(prefix) => Self::StartsWith(axis.prefix_number(prefix).unwrap_or(usize::MAX)),
            CodedTest::Present(wanted) => Self::Present(wanted),
        }
    }

    /// Whether the test is not false for some value of this class: true, or in error because of the value's type.
    pub(super) fn possible(&self, class: Class, axis: &Axis) -> bool {
        if let Self::Present(wanted) = self {
            return (class != Class::Missing) == *wanted;
        }
        match (self, class) {
            (_, Class::Missing) => false,
            (Self::AtLeast(limit), Class::Number(position)) => position >= *limit,
            (Self::AtMost(limit), Class::Number(position)) => position <= *limit,
            (Self::Above(limit), Class::Number(position)) => position > *limit,
            (Self::Below(limit), Class::Number(position)) => position < *limit,
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
            // The value has a type that the test cannot compare with.
            _ => true,
        }
    }
}

/// Whether this position among the numbers is a threshold rather than an interval.
const fn is_threshold(position: usize) -> bool {
    position % 2 == 1
}
