//! Building columns from rows.

use std::collections::HashMap;

use serde_json::Value;

use super::column::{Codes, Column, FALSE, NULL, OWN, Texts, Values, is_plain};

/// A column that grows row by row.
#[derive(Debug, Default)]
pub(super) struct Growing {
    numbers: HashMap<u64, u32>,
    texts: HashMap<String, u32>,
    rest: HashMap<String, u32>,
    /// The rows with a value, ascending, each with the number that the value got when it was first seen.
    seen: Vec<(u32, u32)>,
}

impl Growing {
    fn fresh(&self) -> u32 {
        let own = self.numbers.len() + self.texts.len() + self.rest.len();
        OWN.saturating_add(u32::try_from(own).unwrap_or(u32::MAX))
    }

    pub(super) fn add(&mut self, row: u32, value: &Value) {
        let fresh = self.fresh();
        let code = match value {
            Value::Null => NULL,
            Value::Bool(flag) => FALSE + u32::from(*flag),
            Value::Number(number) => match is_plain(number) {
                Some(double) => *self.numbers.entry(double.to_bits()).or_insert(fresh),
                None => *self.rest.entry(value.to_string()).or_insert(fresh),
            },
            Value::String(text) => return self.add_text(row, text),
            Value::Array(_) | Value::Object(_) => *self.rest.entry(value.to_string()).or_insert(fresh),
        };
        self.seen.push((row, code));
    }

    pub(super) fn add_text(&mut self, row: u32, text: &str) {
        let code = match self.texts.get(text) {
            Some(code) => *code,
            None => {
                let fresh = self.fresh();
                self.texts.insert(text.to_owned(), fresh);
                fresh
            }
        };
        self.seen.push((row, code));
    }

    /// The column over `rows` rows, its values sorted. Returns `None` when a list of strings passes 4 GiB.
    pub(super) fn finish(self, rows: usize) -> Option<Column> {
        let mut numbers: Vec<(f64, u32)> =
            self.numbers.into_iter().map(|(bits, code)| (f64::from_bits(bits), code)).collect();
        numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut texts: Vec<(String, u32)> = self.texts.into_iter().collect();
        texts.sort_unstable();
        let mut rest: Vec<(String, u32)> = self.rest.into_iter().collect();
        rest.sort_unstable();
        let in_order = numbers.iter().map(|(_, code)| *code);
        let in_order = in_order.chain(texts.iter().map(|(_, code)| *code)).chain(rest.iter().map(|(_, code)| *code));
        let own = numbers.len() + texts.len() + rest.len();
        // Maps the order of first occurrence to the order of the lists.
        let mut sorted: Vec<u32> = (0..OWN).chain(std::iter::repeat_n(0, own)).collect();
        for (code, first) in (OWN..).zip(in_order) {
            *sorted.get_mut(usize::try_from(first).ok()?)? = code;
        }
        let mut block = Texts::default();
        for (text, _) in &texts {
            block.block.push_str(text);
            block.ends.push(u32::try_from(block.block.len()).ok()?);
        }
        let values = Values {
            numbers: numbers.into_iter().map(|(number, _)| number).collect(),
            texts: block,
            rest: rest.iter().map(|(text, _)| serde_json::from_str(text).unwrap_or_default()).collect(),
        };
        let code = |first: u32| usize::try_from(first).ok().and_then(|at| sorted.get(at)).copied().unwrap_or_default();
        let width = width(values.codes());
        let codes = if self.seen.len().saturating_mul(4 + width) < rows.saturating_mul(width) {
            let (rows, codes) = self.seen.iter().map(|(row, first)| (*row, code(*first))).unzip();
            Codes::Sparse { rows, codes }
        } else {
            let mut dense = vec![0_u32; rows];
            for (row, first) in &self.seen {
                if let Some(slot) = dense.get_mut(*row as usize) {
                    *slot = code(*first);
                }
            }
            narrowed(dense, width)
        };
        Some(Column { values, codes })
    }
}

/// The number of bytes that one code needs.
pub(super) fn width(codes: usize) -> usize {
    match codes {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// The codes in this width, which must be chosen so that every code fits.
fn narrowed(codes: Vec<u32>, width: usize) -> Codes {
    match width {
        1 => Codes::Narrow(codes.into_iter().map(|code| code as u8).collect()),
        2 => Codes::Medium(codes.into_iter().map(|code| code as u16).collect()),
        _ => Codes::Wide(codes),
    }
}
