//! One column: the distinct values, and the code of each row's value.

use std::ops::Range;

use serde_json::{Number, Value};

use crate::{bundle::condition::number_value, engine::Fact};

/// The code of a row without a value.
pub const ABSENT: u32 = 0;
/// The code of null.
pub const NULL: u32 = 1;
/// The code of false; the next code is true.
pub const FALSE: u32 = 2;
/// The first code of the column's own values.
pub const OWN: u32 = 4;

/// The distinct values. Codes from [`OWN`] on stand for the numbers, then the texts, then the rest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Values {
    // INVARIANT: each list is ascending and distinct; `rest` holds arrays, empty objects and numbers that a double does
    // not represent exactly as written.
    pub(super) numbers: Vec<f64>,
    pub(super) texts: Texts,
    pub(super) rest: Vec<Value>,
}

/// Strings in one block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    // INVARIANT: ascending positions in `block`, each on a character boundary.
    pub(super) ends: Vec<u32>,
    pub(super) block: String,
}

impl Texts {
    /// The number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no texts.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text at an index.
    pub fn get(&self, at: usize) -> Option<&str> {
        let end = usize::try_from(*self.ends.get(at)?).ok()?;
        let start = match at.checked_sub(1) {
            Some(before) => usize::try_from(*self.ends.get(before)?).ok()?,
            None => 0,
        };
        self.block.get(start..end)
    }

    /// All texts.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|at| self.get(at))
    }
}

impl Values {
    /// The number of codes, including the common ones.
    pub fn codes(&self) -> usize {
        OWN as usize + self.numbers.len() + self.texts.len() + self.rest.len()
    }

    /// The value of a code; `None` when the code stands for no value.
    pub fn value(&self, code: u32) -> Option<Value> {
        match code {
            ABSENT => None,
            NULL => Some(Value::Null),
            FALSE => Some(Value::Bool(false)),
            3 => Some(Value::Bool(true)),
            own => {
                let own = usize::try_from(own - OWN).ok()?;
                if let Some(number) = self.numbers.get(own) {
                    return Some(number_value(*number));
                }
                let own = own - self.numbers.len();
                match self.texts.get(own) {
                    Some(text) => Some(Value::from(text)),
                    None => self.rest.get(own.checked_sub(self.texts.len())?).cloned(),
                }
            }
        }
    }

    /// The engine's view of the value of a code.
    pub fn fact(&self, code: u32) -> Fact<'_> {
        match code {
            ABSENT | NULL => Fact::Missing,
            FALSE => Fact::Bool(false),
            3 => Fact::Bool(true),
            own => {
                let own = usize::try_from(own - OWN).unwrap_or(usize::MAX);
                if let Some(number) = self.numbers.get(own) {
                    return Fact::Number(*number);
                }
                let own = own - self.numbers.len();
                match self.texts.get(own) {
                    Some(text) => Fact::Text(text),
                    None => Fact::from(own.checked_sub(self.texts.len()).and_then(|at| self.rest.get(at))),
                }
            }
        }
    }

    /// The text of a code, if its value is a text.
    pub fn text(&self, code: u32) -> Option<&str> {
        match self.fact(code) {
            Fact::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The double of a number, if the double represents the number exactly as written.
pub(super) fn is_plain(number: &Number) -> Option<f64> {
    let double = number.as_f64()?;
    (number_value(double) == Value::Number(number.clone())).then_some(double)
}

/// The codes of all rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Codes {
    /// At most 256 codes.
    Narrow(Vec<u8>),
    /// At most 65,536 codes.
    Medium(Vec<u16>),
    /// Any number of codes.
    Wide(Vec<u32>),
    /// Only the rows that have a value, ascending, with their codes.
    Sparse {
        /// The rows.
        rows: Vec<u32>,
        /// The codes of these rows.
        codes: Vec<u32>,
    },
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The values that the codes stand for.
    pub values: Values,
    /// The codes.
    pub codes: Codes,
}

impl Column {
    /// The code of a row; [`ABSENT`] past the end.
    pub fn code(&self, row: usize) -> u32 {
        match &self.codes {
            Codes::Narrow(codes) => codes.get(row).map_or(ABSENT, |code| u32::from(*code)),
            Codes::Medium(codes) => codes.get(row).map_or(ABSENT, |code| u32::from(*code)),
            Codes::Wide(codes) => codes.get(row).copied().unwrap_or(ABSENT),
            Codes::Sparse { rows, codes } => {
                let at = u32::try_from(row).ok().and_then(|row| rows.binary_search(&row).ok());
                at.and_then(|at| codes.get(at).copied()).unwrap_or(ABSENT)
            }
        }
    }

    /// The value of a row; `None` when the row has no value.
    pub fn value(&self, row: usize) -> Option<Value> {
        self.values.value(self.code(row))
    }

    /// The engine's view of a row's value.
    pub fn fact(&self, row: usize) -> Fact<'_> {
        self.values.fact(self.code(row))
    }

    /// Calls `write` for every row of `range` that has a value, with the row's position in `range` and its code.
    pub fn each(&self, range: Range<usize>, mut write: impl FnMut(usize, u32)) {
        fn dense<T: Copy + Into<u32>>(codes: &[T], range: Range<usize>, write: &mut impl FnMut(usize, u32)) {
            let codes = codes.get(range).unwrap_or_default();
            codes.iter().enumerate().for_each(|(at, code)| {
                let code: u32 = (*code).into();
                if code != ABSENT {
                    write(at, code);
                }
            });
        }
        match &self.codes {
            Codes::Narrow(codes) => dense(codes, range, &mut write),
            Codes::Medium(codes) => dense(codes, range, &mut write),
            Codes::Wide(codes) => dense(codes, range, &mut write),
            Codes::Sparse { rows, codes } => {
                let from = rows.partition_point(|row| (*row as usize) < range.start);
                for (row, code) in rows.iter().zip(codes).skip(from) {
                    let row = *row as usize;
                    if row >= range.end {
                        break;
                    }
                    write(row - range.start, *code);
                }
            }
        }
    }

    /// The number of rows with a value.
    pub fn present(&self) -> usize {
        let mut count = 0;
        self.each(0..self.len(), |_, _| count += 1);
        count
    }

    /// The number of rows that the codes cover.
    pub(super) fn len(&self) -> usize {
        match &self.codes {
            Codes::Narrow(codes) => codes.len(),
            Codes::Medium(codes) => codes.len(),
            Codes::Wide(codes) => codes.len(),
            Codes::Sparse { rows, .. } => rows.last().map_or(0, |last| *last as usize + 1),
        }
    }
}
