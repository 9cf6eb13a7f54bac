//! A condition's test in coded form: strings are numbers in the field's dictionary of listed strings.

use crate::bundle::Operator;

/// A test of one field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CodedTest<'c> {
    AtLeast(f64),
    AtMost(f64),
    Above(f64),
    Below(f64),
    /// Equal to one of these values.
    In(CodedList<'c>),
    /// Equal to none of these values.
    NotIn(CodedList<'c>),
    StartsWith(&'c str),
    Present(bool),
}

impl CodedTest<'_> {
    /// The comparison of `operator` with a number; `None` for other operators.
    pub(super) fn bound(operator: Operator, limit: f64) -> Option<Self> {
        Some(match operator {
            Operator::AtLeast => Self::AtLeast(limit),
            Operator::AtMost => Self::AtMost(limit),
            Operator::Above => Self::Above(limit),
            Operator::Below => Self::Below(limit),
            _ => return None,
        })
    }

    /// The number that the test compares with; `None` for other tests.
    pub(super) const fn limit(&self) -> Option<f64> {
        match self {
            Self::AtLeast(limit) | Self::AtMost(limit) | Self::Above(limit) | Self::Below(limit) => Some(*limit),
            Self::In(_) | Self::NotIn(_) | Self::StartsWith(_) | Self::Present(_) => None,
        }
    }
}

/// The values of a list, as written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CodedList<'c> {
    /// Only strings, by number.
    Texts(&'c [u32]),
    /// Only booleans, as 0 and 1.
    Flags(&'c [u32]),
    /// Any other list.
    Any(&'c [CodedValue]),
}

/// A value of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum CodedValue {
    Number(f64),
    /// A string, by its number in the field's dictionary.
    Text(u32),
    Bool(bool),
}

impl<'c> CodedList<'c> {
    /// The values, as written.
    pub(crate) fn items(self) -> impl Iterator<Item = CodedValue> {
        let (texts, flags, any): (&[u32], &[u32], &[CodedValue]) = match self {
            Self::Texts(texts) => (texts, &[], &[]),
            Self::Flags(flags) => (&[], flags, &[]),
            Self::Any(items) => (&[], &[], items),
        };
        let texts = texts.iter().map(|text| CodedValue::Text(*text));
        texts.chain(flags.iter().map(|flag| CodedValue::Bool(*flag != 0))).chain(any.iter().copied())
    }

    pub(super) const fn len(self) -> usize {
        match self {
            Self::Texts(codes) | Self::Flags(codes) => codes.len(),
            Self::Any(items) => items.len(),
        }
    }
}
