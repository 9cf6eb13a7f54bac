//! Numbers that are written otherwise than the doubles they become.

use std::collections::BTreeMap;

use serde_json::Value;

use super::pointer::clip;

/// Maximum number of numbers that are kept.
pub(super) const MAX_KEPT: usize = 100;

/// A number as it is written, and what it becomes.
#[derive(Debug, Clone, PartialEq)]
struct Literal {
    written: String,
    becomes: f64,
}

/// The numbers of a text that are not the doubles they become, by JSON Pointer; the first ones, when there are many. They
/// are a remark about the text, and no part of what it says: values that differ in their literals only are equal.
#[derive(Debug, Clone, Default)]
pub struct Literals(BTreeMap<String, Literal>);

impl PartialEq for Literals {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Literals {
    /// The literals of a document that becomes the value at `pointer` of a larger one.
    #[must_use]
    pub fn under(self, pointer: &str) -> Self {
        Self(self.0.into_iter().map(|(below, literal)| (format!("{pointer}{below}"), literal)).collect())
    }

    /// The literals of the value at `pointer`.
    #[must_use]
    pub fn below(self, pointer: &str) -> Self {
        let below =
            self.0.into_iter().filter_map(|(at, literal)| Some((at.strip_prefix(pointer)?.to_owned(), literal)));
        Self(below.collect())
    }

    /// Whether every number is the double it becomes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How the number `value` at `pointer` is written, when that is another number. What has been changed since the text
    /// was read is as it is.
    pub fn at(&self, pointer: &str, value: &Value) -> Option<&str> {
        let literal = self.0.get(pointer)?;
        (value.as_f64() == Some(literal.becomes)).then_some(literal.written.as_str())
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() == MAX_KEPT
    }

    pub(super) fn insert(&mut self, pointer: String, written: &str, becomes: f64) {
        self.0.insert(pointer, Literal { written: clip(written).into_owned(), becomes });
    }
}

/// Whether `bytes` have a number of so many digits, or of so small an exponent, that it may not be a double.
pub(super) fn has_long_number(bytes: &[u8]) -> bool {
    /// Every number of fewer digits comes back from a double as it was.
    const LONG: usize = 16;
    let mut digits = 0;
    bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'0'..=b'9' => {
            digits += 1;
            digits >= LONG
        }
        b'.' => false,
        b'e' | b'E' => {
            let after = bytes.get(at + 1..at + 5).unwrap_or_default();
            let small = digits > 0 && matches!(after, [b'-', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
            digits = 0;
            small
        }
        _ => {
            digits = 0;
            false
        }
    })
}

/// Whether the number that is `written` is the double that it becomes: either its shortest notation, or its exact one.
pub(super) fn is_exact(written: &str, becomes: f64) -> bool {
    if !has_long_number(written.as_bytes()) {
        return true;
    }
    /// No double has more significant digits.
    const MAX_DIGITS: usize = 766;
    let wanted = decimal(written);
    wanted == decimal(&format!("{becomes:e}")) || wanted == decimal(&format!("{becomes:.MAX_DIGITS$e}"))
}

/// The value of a number: its significant digits, and the exponent of the last one.
fn decimal(text: &str) -> (bool, String, i64) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return (false, String::new(), 0);
    }
    let far = if exponent.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 };
    let exponent: i64 = exponent.trim_start_matches('+').parse().unwrap_or(far);
    let shift = (digits.len() - significant.len()) as i64 - fraction as i64;
    (mantissa.starts_with('-'), significant.to_owned(), exponent.saturating_add(shift))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_double_is_kept_as_written() {
        for (written, inexact) in [
            ("9007199254740993", true),
            ("9007199254740993.0", true),
            ("12345678901234567890123", true),
            ("-0.1000000000000000055", true),
            ("1e-400", true),
            ("1e-99999999999999999999", true),
            ("2.4703282292062327e-325", true),
            ("0.3000000000000000166", true),
            ("123456789.12345678901", true),
            ("9007199254740992", false),
            ("9007199254740992.0", false),
            ("9223372036854775808", false),
            ("100000000000000000000000", false),
            ("1.7976931348623157e308", false),
            ("5e-324", false),
            ("1e-310", false),
            ("0.1000000000000000000000", false),
            ("0.1000000000000000055511151231257827021181583404541015625", false),
            ("-0.0", false),
            ("0e-400", false),
            ("1e+3", false),
        ] {
            let text = format!(r#"{{"a": [1, {{"b/c": {written}}}]}}"#);
            let value = super::super::parse(text.as_bytes()).unwrap();
            let literals = Literals::of(text.as_bytes());
            assert_eq!(literals.is_empty(), !inexact, "{written}");
            assert_eq!(literals.at("/a/1/b~1c", &value["a"][1]["b/c"]), inexact.then_some(written));
            assert_eq!(literals.at("/a/1/b~1c", &json!(1)), None);
        }
    }

    #[test]
    fn a_literal_moves_with_its_document() {
        let literals = Literals::of(br#"{"bundle": [9007199254740993]}"#);
        let value = json!(9_007_199_254_740_993_u64);
        assert!(literals.clone().below("/bundle").under("/rules").at("/rules/0", &value).is_some());
        assert!(literals.below("/rules").is_empty());
        let many = format!("[{}1]", "9007199254740993,".repeat(1_000));
        assert_eq!(Literals::of(many.as_bytes()).0.len(), MAX_KEPT);
    }

    proptest! {
        #[test]
        fn a_double_is_exact_as_it_is_written_by_default(number in any::<f64>()) {
            prop_assume!(number.is_finite());
            prop_assert!(is_exact(&json!(number).to_string(), number));
            let plain = number.to_string();
            prop_assert!(is_exact(&plain, number));
        }
    }
}
