//! A test in terms of the classes of its field.

use super::{
    ask::{Ask, Item, Listed},
    axis::{Axis, Class},
};

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
    pub(super) fn new(ask: Ask<'_>, axis: &Axis) -> Self {
        let member = |list: Listed<'_>, wanted: bool| {
            let (mut numbers, mut within, mut texts, mut bools) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            if let Listed::Texts(codes) = list {
                texts.reserve_exact(codes.len());
            }
            for item in list.items() {
                match item {
                    Item::Number(number) => {
                        let position = axis.place(number);
                        if is_cut(position) { &mut numbers } else { &mut within }.push(position);
                    }
                    Item::Text(text) => texts.extend(axis.text_of(text)),
                    Item::Bool(flag) => bools.push(flag),
                }
            }
            numbers.sort_unstable();
            within.sort_unstable();
            within.dedup();
            texts.sort_unstable();
            Self::Member { wanted, numbers, within, texts, bools }
        };
        // Of an interval with the number in it, a part is above and a part below.
        let or_within = |limit: f64, cut: fn(usize) -> Self, within: fn(usize) -> Self| {
            let position = axis.place(limit);
            if is_cut(position) { cut(position) } else { within(position) }
        };
        match ask {
            Ask::AtLeast(limit) => Self::AtLeast(axis.place(limit)),
            Ask::AtMost(limit) => Self::AtMost(axis.place(limit)),
            Ask::Above(limit) => or_within(limit, Self::Above, Self::AtLeast),
            Ask::Below(limit) => or_within(limit, Self::Below, Self::AtMost),
            Ask::In(list) => member(list, true),
            Ask::NotIn(list) => member(list, false),
            Ask::StartsWith(prefix) => Self::StartsWith(axis.prefix_number(prefix).unwrap_or(usize::MAX)),
            Ask::Present(wanted) => Self::Present(wanted),
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

/// Whether this position among the numbers is a cut, not an interval.
const fn is_cut(position: usize) -> bool {
    position % 2 == 1
}
