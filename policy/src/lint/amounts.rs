//! What a text looks like other than text: a number, an amount, a range, a bound or a boolean.

use serde_json::{Value, json};

use crate::bundle::condition::Operator;

/// What a text looks like.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meant {
    /// A number or boolean.
    Value(Value),
    /// Bounds on a number.
    Bounds(Vec<(Operator, f64)>),
    /// A number that is written in a way of which only its author knows the meaning.
    Unclear,
}

/// What `text` looks like other than text, in words and as a value.
pub(super) fn read(text: &str) -> Option<(&'static str, Meant)> {
    let trimmed = text.trim();
    for (name, flag) in [("true", true), ("false", false)] {
        if trimmed.eq_ignore_ascii_case(name) {
            return Some(("a boolean", Meant::Value(json!(flag))));
        }
    }
    if !trimmed.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if let Some(number) = plain_number(trimmed) {
        return Some(("a number", Meant::Value(number)));
    }
    if let Some((operator, rest)) = comparison(trimmed) {
        let number = amount(rest)?.as_f64()?;
        return Some(("a comparison", Meant::Bounds(vec![(operator, number)])));
    }
    if let Some((low, high)) = range(trimmed) {
        return Some(("a range", Meant::Bounds(vec![(Operator::AtLeast, low), (Operator::AtMost, high)])));
    }
    if let Some(number) = amount(trimmed) {
        return Some(("an amount", Meant::Value(number)));
    }
    let digits = trimmed.chars().filter(char::is_ascii_digit).count();
    let others =
        |c: char| c.is_ascii_digit() || c.is_whitespace() || ",.%+-".contains(c) || CURRENCY_SIGNS.contains(&c);
    let is_short = digits > 0 && trimmed.chars().count() <= 20 && trimmed.chars().all(others);
    // Dates, versions and addresses have several of these signs; a percentage or a decimal comma has one.
    let signs = trimmed.chars().filter(|c| ",.%".contains(*c)).count();
    (is_short && signs == 1 && !trimmed.contains(['-', '+'])).then_some(("a number", Meant::Unclear))
}

/// The number that `text` spells exactly as JSON does; none for what a number would not keep, such as leading zeros and
/// very many digits.
fn plain_number(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (value.is_number() && digits <= 15).then_some(value)
}

/// The bound that a text such as `>= 5` or `at least 5` sets, with the rest of the text.
fn comparison(text: &str) -> Option<(Operator, &str)> {
    const WRITTEN: [(&str, Operator); 20] = [
        (">=", Operator::AtLeast),
        ("=>", Operator::AtLeast),
        ("<=", Operator::AtMost),
        ("=<", Operator::AtMost),
        ("≥", Operator::AtLeast),
        ("⩾", Operator::AtLeast),
        ("≤", Operator::AtMost),
        ("⩽", Operator::AtMost),
        (">", Operator::Above),
        ("<", Operator::Below),
        ("at least ", Operator::AtLeast),
        ("from ", Operator::AtLeast),
        ("at most ", Operator::AtMost),
        ("up to ", Operator::AtMost),
        ("more than ", Operator::Above),
        ("greater than ", Operator::Above),
        ("over ", Operator::Above),
        ("above ", Operator::Above),
        ("less than ", Operator::Below),
        ("under ", Operator::Below),
    ];
    WRITTEN.iter().find_map(|(written, operator)| {
        let beginning = text.get(..written.len())?;
        beginning.eq_ignore_ascii_case(written).then(|| (*operator, text.get(written.len()..).unwrap_or("").trim()))
    })
}

/// The ends of a text such as `50 - 500` or `between 50 and 500`.
fn range(text: &str) -> Option<(f64, f64)> {
    let lower = text.to_ascii_lowercase();
    let between = lower.strip_prefix("between ").and_then(|rest| rest.split_once(" and "));
    let joined = [" - ", " – ", " — ", "–", "—", "..", " to ", "-"].iter().map(|joint| lower.split_once(joint));
    std::iter::once(between).chain(joined).flatten().find_map(|(low, high)| {
        let (low, high) = (amount(low.trim())?.as_f64()?, amount(high.trim_start_matches('.').trim())?.as_f64()?);
        (low <= high).then_some((low, high))
    })
}

/// The signs of currencies.
const CURRENCY_SIGNS: [char; 6] = ['$', '€', '£', '¥', '₹', '₩'];
/// The codes of currencies (ISO 4217) that are written with amounts most.
const CURRENCY_CODES: [&str; 20] = [
    "usd", "eur", "gbp", "jpy", "cny", "inr", "chf", "cad", "aud", "nzd", "sek", "nok", "dkk", "pln", "czk", "brl",
    "mxn", "sgd", "hkd", "krw",
];

/// The amount without its currency, and whether it had one.
fn without_currency(text: &str) -> (&str, bool) {
    let bare = text.trim_start_matches(CURRENCY_SIGNS).trim_end_matches(CURRENCY_SIGNS);
    let is_code =
        |end: Option<&str>| end.is_some_and(|end| CURRENCY_CODES.iter().any(|code| code.eq_ignore_ascii_case(end)));
    let rest = if is_code(bare.get(..3)) {
        bare.get(3..)
    } else if is_code(bare.len().checked_sub(3).and_then(|at| bare.get(at..))) {
        bare.get(..bare.len() - 3)
    } else {
        None
    };
    let rest = rest.unwrap_or(bare);
    (rest.trim(), rest.len() < text.len())
}

/// A number with a currency, or with commas, dots or blanks between groups of three digits.
fn amount(text: &str) -> Option<Value> {
    let (bare, has_currency) = without_currency(text);
    if let Some(number) = plain_number(bare) {
        return Some(number);
    }
    // `1.000,50`: after the last comma comes the fraction, if dots stand between the groups before it.
    let dotted = bare.rsplit_once(',').filter(|(whole, _)| whole.contains('.'));
    let ((whole, fraction), groups_by) = match dotted {
        Some((whole, fraction)) => ((whole, Some(fraction)), ['.', '.', '.', '.']),
        None => {
            let parts = bare.split_once('.').map_or((bare, None), |(whole, fraction)| (whole, Some(fraction)));
            (parts, [',', ' ', '\u{a0}', '\u{202f}'])
        }
    };
    let groups: Vec<&str> = whole.split(groups_by).collect();
    let digits = |group: &str| !group.is_empty() && group.chars().all(|c| c.is_ascii_digit());
    let grouped = groups.len() > 1
        && groups.iter().skip(1).all(|group| group.len() == 3 && digits(group))
        && groups.first().is_some_and(|first| first.len() <= 3 && digits(first) && !first.starts_with('0'));
    let joined = groups.concat();
    let spelled = fraction.map_or_else(|| joined.clone(), |fraction| format!("{joined}.{fraction}"));
    // `1,500` may be a decimal comma; with a currency, or with two commas, it is not.
    let clear = groups.len() > 2 || fraction.is_some() || has_currency || !whole.contains(',');
    if grouped && clear { plain_number(&spelled) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_look_like_something_else_are_read() {
        let value = |value: Value| Some(Meant::Value(value));
        let bounds = |bounds: &[(Operator, f64)]| Some(Meant::Bounds(bounds.to_vec()));
        let (from, to) = (Operator::AtLeast, Operator::AtMost);
        for (text, wanted) in [
            ("true", value(json!(true))),
            ("FALSE", value(json!(false))),
            ("85", value(json!(85))),
            ("-0.5", value(json!(-0.5))),
            ("1e3", value(json!(1e3))),
            ("$1,000.00", value(json!(1000.0))),
            ("1 000 000", value(json!(1_000_000))),
            ("€ 5", value(json!(5))),
            ("50 - 500", bounds(&[(from, 50.0), (to, 500.0)])),
            ("50–500", bounds(&[(from, 50.0), (to, 500.0)])),
            ("$50 to $500", bounds(&[(from, 50.0), (to, 500.0)])),
            ("> $500", bounds(&[(Operator::Above, 500.0)])),
            ("≤ 1,000.5", bounds(&[(to, 1000.5)])),
            ("USD 500", value(json!(500))),
            ("500 EUR", value(json!(500))),
            ("500€", value(json!(500))),
            ("1.000,50", value(json!(1000.5))),
            ("1.000.000,50 €", value(json!(1_000_000.5))),
            ("chf 1,500", value(json!(1500))),
            ("at least 50", bounds(&[(from, 50.0)])),
            ("More than $ 1,000", bounds(&[(Operator::Above, 1000.0)])),
            ("=> 5", bounds(&[(from, 5.0)])),
            ("between 50 and 500", bounds(&[(from, 50.0), (to, 500.0)])),
            ("50 EUR to 500 EUR", bounds(&[(from, 50.0), (to, 500.0)])),
            ("1..10", bounds(&[(from, 1.0), (to, 10.0)])),
            ("1...10", bounds(&[(from, 1.0), (to, 10.0)])),
            ("95 %", Some(Meant::Unclear)),
            ("1,5", Some(Meant::Unclear)),
            ("phishing", None),
            ("00123", None),
            ("9007199254740993", None),
            ("2026-11-29", None),
            ("10.0.0.1", None),
            ("1.000.000", None),
            ("over the limit 5", None),
            ("eur", None),
            ("from 5 to nine", None),
            ("1.2.3", None),
            ("+49 30 1234", None),
            ("> Re: offer", None),
            ("yes", None),
            ("a-b", None),
            ("7 - of 9", None),
            ("", None),
        ] {
            assert_eq!(read(text).map(|(_, meant)| meant), wanted, "{text}");
        }
    }
}
