//! Values that are not what they look like: text that looks like a number, an amount, a range or a boolean, and numbers
//! that are not the ones their author wrote.

use serde_json::{Value, json};

use super::{Code, Finding, example};
use crate::{
    bundle::{
        Bundle, NamePattern, ParsedRule, Schema, Test,
        condition::{Operator, key_of, number_value},
        schema::FieldType,
    },
    json::escape,
};

/// The findings about the values that the conditions of a rule compare with.
pub fn check(rule: &ParsedRule<'_>, bundle: &Bundle) -> Vec<Finding> {
    let schema = bundle.schema.as_ref();
    let mut findings = Vec::new();
    let Some(Value::Object(conditions)) = rule.source.get("conditions") else { return findings };
    for intended in &rule.conditions {
        let Some(written) = conditions.get(intended.written).filter(|_| intended.written == intended.condition.key)
        else {
            continue;
        };
        let condition = &intended.condition;
        let is_list = matches!(condition.test, Test::In(_) | Test::NotIn(_));
        let (items, alone) = match written {
            Value::Array(items) => (items.as_slice(), false),
            one => (std::slice::from_ref(one), true),
        };
        for (index, value) in items.iter().enumerate() {
            let pointer = || {
                let place = if alone { String::new() } else { format!("/{index}") };
                format!("/conditions/{}{place}", escape(intended.written))
            };
            if let Some(literal) = inexact(value) {
                let mut finding = inexact_number(rule, &pointer(), value, &literal, is_list);
                let becomes = value.as_f64().map(number_value).unwrap_or_default();
                finding.witness = example::witness(bundle, rule.position, &condition.field, becomes);
                findings.push(finding);
            }
            if let Some(text) = value.as_str().filter(|text| is_list && read(text).is_some())
                && !is_declared_text(rule, schema, &condition.field)
            {
                let operator = alone.then_some(condition.test.operator());
                let meant = match read(text) {
                    Some((_, Meant::Value(value))) => Some(value),
                    Some((_, Meant::Bounds(bounds))) => bounds.first().map(|(_, bound)| number_value(*bound)),
                    Some((_, Meant::Unclear)) | None => None,
                };
                let mut finding = suspicious_text(rule, &pointer(), text, &condition.field, operator);
                if let Some(finding) = &mut finding {
                    finding.witness =
                        meant.and_then(|meant| example::witness(bundle, rule.position, &condition.field, meant));
                }
                findings.extend(finding);
            }
        }
    }
    findings
}

/// Whether the schema declares the field as text for the one agent of the rule.
fn is_declared_text(rule: &ParsedRule<'_>, schema: Option<&Schema>, field: &str) -> bool {
    let Some(NamePattern::Exact(agent)) = &rule.agent else { return false };
    let declared = schema.and_then(|schema| schema.agents.get(agent)?.fields.get(field));
    declared.is_some_and(|field| field.kind == FieldType::String)
}

/// The whole number that is written, when the double it becomes is another one.
fn inexact(value: &Value) -> Option<String> {
    let Value::Number(number) = value else { return None };
    let becomes = number.as_f64()?;
    let same = match (number.as_i64(), number.as_u64()) {
        // A double of this size is whole, and 128 bits hold it.
        (Some(whole), _) => becomes as i128 == i128::from(whole),
        (None, Some(whole)) => becomes as i128 == i128::from(whole),
        (None, None) => true,
    };
    (!same).then(|| number.to_string())
}

fn inexact_number(rule: &ParsedRule<'_>, pointer: &str, value: &Value, literal: &str, is_list: bool) -> Finding {
    let becomes = value.as_f64().map(|number| format!("{number}")).unwrap_or_default();
    let message = format!(
        "{literal} is too long for a number: it becomes {becomes}, which other numbers become as well, and this matches \
         them all."
    );
    let finding = rule.finding(Code::InexactNumber, pointer, message);
    if is_list {
        let fix = json!([{"op": "replace", "path": rule.pointer(pointer), "value": literal}]);
        finding
            .suggest(format!("Write it as text, \"{literal}\", and let the caller send text."))
            .fix_if(serde_json::from_value(fix).ok())
    } else {
        let fix = value
            .as_f64()
            .map(|number| json!([{"op": "replace", "path": rule.pointer(pointer), "value": number_value(number)}]));
        finding
            .suggest("Write the number that it becomes, or compare a smaller unit.")
            .fix_if(fix.and_then(|fix| serde_json::from_value(fix).ok()))
    }
}

/// What a text looks like.
#[derive(Debug, Clone, PartialEq)]
enum Meant {
    /// A number or boolean.
    Value(Value),
    /// Bounds on a number.
    Bounds(Vec<(Operator, f64)>),
    /// A number that is written in a way of which only its author knows the meaning.
    Unclear,
}

fn suspicious_text(
    rule: &ParsedRule<'_>,
    pointer: &str,
    text: &str,
    field: &str,
    alone: Option<Operator>,
) -> Option<Finding> {
    let (what, meant) = read(text)?;
    let message = format!("\"{text}\" is a text that looks like {what}: it matches only that very text.");
    let finding = rule.finding(Code::SuspiciousText, pointer, message);
    let path = rule.pointer(pointer);
    let (suggestion, fix) = match meant {
        Meant::Value(value) => {
            (format!("Write {value} without quotes."), Some(json!([{"op": "replace", "path": path, "value": value}])))
        }
        Meant::Bounds(bounds) => {
            let entries: Vec<(String, Value)> =
                bounds.into_iter().map(|(operator, number)| (key_of(operator, field), number_value(number))).collect();
            let words: Vec<String> = entries.iter().map(|(key, value)| format!("`\"{key}\": {value}`")).collect();
            let conditions = rule.source.get("conditions").and_then(Value::as_object);
            let free = entries.iter().all(|(key, _)| conditions.is_none_or(|conditions| !conditions.contains_key(key)));
            let fix = (alone == Some(Operator::Equals) && free).then(|| {
                let add = entries.into_iter().map(|(key, value)| {
                    json!({"op": "add", "path": rule.pointer(&format!("/conditions/{}", escape(&key))), "value": value})
                });
                Value::Array(std::iter::once(json!({"op": "remove", "path": path})).chain(add).collect())
            });
            (format!("Write {}.", words.join(" and ")), fix)
        }
        Meant::Unclear => ("Write the number without unit and grouping, if a number is sent.".to_owned(), None),
    };
    let mut finding = finding.suggest(suggestion).fix_if(fix.and_then(|fix| serde_json::from_value(fix).ok()));
    if finding.fix.is_some()
        && let Some(note) = &mut finding.suggestion
    {
        note.push_str(" If text is sent, declare the field as a string in the schema.");
    }
    Some(finding)
}

/// What `text` looks like other than text, in words and as a value.
fn read(text: &str) -> Option<(&'static str, Meant)> {
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
    for (sign, operator) in [
        (">=", Operator::AtLeast),
        ("<=", Operator::AtMost),
        ("≥", Operator::AtLeast),
        ("≤", Operator::AtMost),
        (">", Operator::Above),
        ("<", Operator::Below),
    ] {
        if let Some(rest) = trimmed.strip_prefix(sign) {
            let number = amount(rest.trim())?.as_f64()?;
            return Some(("a comparison", Meant::Bounds(vec![(operator, number)])));
        }
    }
    for joint in [" - ", " – ", " — ", "–", "..", " to ", "-"] {
        if let Some((low, high)) = trimmed.split_once(joint) {
            let ends = amount(low.trim()).zip(amount(high.trim()));
            let ends = ends.and_then(|(low, high)| Some((low.as_f64()?, high.as_f64()?)));
            if let Some((low, high)) = ends.filter(|(low, high)| low <= high) {
                return Some(("a range", Meant::Bounds(vec![(Operator::AtLeast, low), (Operator::AtMost, high)])));
            }
        }
    }
    if let Some(number) = amount(trimmed) {
        return Some(("an amount", Meant::Value(number)));
    }
    let digits = trimmed.chars().filter(char::is_ascii_digit).count();
    let others = |c: char| c.is_ascii_digit() || c.is_whitespace() || ",.%+-$€£".contains(c);
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

/// A number with a currency in front, or with commas or blanks between groups of three digits.
fn amount(text: &str) -> Option<Value> {
    let bare = text.trim_start_matches(['$', '€', '£']).trim();
    if let Some(number) = plain_number(bare) {
        return Some(number);
    }
    let (whole, fraction) = bare.split_once('.').map_or((bare, None), |(whole, fraction)| (whole, Some(fraction)));
    let groups: Vec<&str> = whole.split([',', ' ', '\u{a0}', '\u{202f}']).collect();
    let digits = |group: &str| !group.is_empty() && group.chars().all(|c| c.is_ascii_digit());
    let grouped = groups.len() > 1
        && groups.iter().skip(1).all(|group| group.len() == 3 && digits(group))
        && groups.first().is_some_and(|first| first.len() <= 3 && digits(first) && !first.starts_with('0'));
    let joined = groups.concat();
    let spelled = fraction.map_or_else(|| joined.clone(), |fraction| format!("{joined}.{fraction}"));
    // `1,500` may be a decimal comma; with a currency in front, or with two commas, it is not.
    let clear = groups.len() > 2 || fraction.is_some() || bare.len() < text.len() || !whole.contains(',');
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
            ("95 %", Some(Meant::Unclear)),
            ("1,5", Some(Meant::Unclear)),
            ("phishing", None),
            ("00123", None),
            ("9007199254740993", None),
            ("2026-11-29", None),
            ("10.0.0.1", None),
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
