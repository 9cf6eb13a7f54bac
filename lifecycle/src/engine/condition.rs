//! One condition against one input: true, false, or in error.

use serde_json::{Map, Value};

use super::{ValueType, trace::ConditionResult};
use crate::bundle::{Condition, Scalar, Test};

/// The value at a dotted path, with null read as absent.
///
/// The nested path is tried first (`{"sender": {"domain": …}}` for `sender.domain`). When it leads nowhere, a key of
/// the top level that is spelled exactly like the whole path (`{"sender.domain": …}`) is used instead.
pub fn lookup<'a>(context: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if !path.contains('.') {
        return context.get(path).filter(|value| !value.is_null());
    }
    nested(context, path).or_else(|| context.get(path)).filter(|value| !value.is_null())
}

fn nested<'a>(context: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut steps = path.split('.');
    let first = context.get(steps.next()?)?;
    steps.try_fold(first, |value, step| value.as_object()?.get(step)).filter(|value| !value.is_null())
}

/// The type of what was found; absent and null are both missing.
pub fn type_of(value: Option<&Value>) -> ValueType {
    match value {
        None | Some(Value::Null) => ValueType::Missing,
        Some(Value::Bool(_)) => ValueType::Boolean,
        Some(Value::Number(_)) => ValueType::Number,
        Some(Value::String(_)) => ValueType::String,
        Some(Value::Array(_)) => ValueType::Array,
        Some(Value::Object(_)) => ValueType::Object,
    }
}

/// What becomes of `test` for the value at its field.
///
/// An absent value fails every test but `?f: false`. A value of a wrong type is an error: not a number for the four
/// comparisons, not a string for `^=`, and for lists a type that none of the listed values has.
pub fn apply(test: &Test, value: Option<&Value>) -> ConditionResult {
    if let Test::Present(wanted) = test {
        return of(value.is_some() == *wanted);
    }
    let Some(value) = value else { return ConditionResult::False };
    match test {
        Test::AtLeast(limit) => compare(value, |number| number >= *limit),
        Test::AtMost(limit) => compare(value, |number| number <= *limit),
        Test::Above(limit) => compare(value, |number| number > *limit),
        Test::Below(limit) => compare(value, |number| number < *limit),
        Test::In(list) => member(list, value, true),
        Test::NotIn(list) => member(list, value, false),
        Test::StartsWith(prefix) => match value {
            Value::String(text) => of(text.starts_with(prefix.as_str())),
            _ => ConditionResult::Error,
        },
        Test::Present(wanted) => of(*wanted),
    }
}

/// Whether two values are the same; numbers compare by value, so `1` equals `1.0`.
pub fn same(scalar: &Scalar, value: &Value) -> bool {
    match (scalar, value) {
        (Scalar::Number(wanted), Value::Number(found)) => found.as_f64() == Some(*wanted),
        (Scalar::String(wanted), Value::String(found)) => wanted == found,
        (Scalar::Bool(wanted), Value::Bool(found)) => wanted == found,
        _ => false,
    }
}

fn same_type(scalar: &Scalar, value: &Value) -> bool {
    matches!(
        (scalar, value),
        (Scalar::Number(_), Value::Number(_))
            | (Scalar::String(_), Value::String(_))
            | (Scalar::Bool(_), Value::Bool(_))
    )
}

fn of(holds: bool) -> ConditionResult {
    if holds { ConditionResult::True } else { ConditionResult::False }
}

fn compare(value: &Value, holds: impl Fn(f64) -> bool) -> ConditionResult {
    value.as_f64().map_or(ConditionResult::Error, |number| of(holds(number)))
}

fn member(list: &[Scalar], value: &Value, wanted: bool) -> ConditionResult {
    if list.iter().any(|scalar| same(scalar, value)) {
        of(wanted)
    } else if list.iter().any(|scalar| same_type(scalar, value)) {
        of(!wanted)
    } else {
        ConditionResult::Error
    }
}

/// What the condition wants its value to be, for the message of a type error.
pub fn wanted_type(condition: &Condition) -> String {
    match &condition.test {
        Test::AtLeast(_) | Test::AtMost(_) | Test::Above(_) | Test::Below(_) => "a number".to_owned(),
        Test::StartsWith(_) => "a string".to_owned(),
        Test::In(list) | Test::NotIn(list) => {
            let mut names: Vec<&str> = list
                .iter()
                .map(|scalar| match scalar {
                    Scalar::Number(_) => "a number",
                    Scalar::String(_) => "a string",
                    Scalar::Bool(_) => "true or false",
                })
                .collect();
            names.sort_unstable();
            names.dedup();
            if names.is_empty() { "one of no values".to_owned() } else { names.join(" or ") }
        }
        Test::Present(_) => "anything".to_owned(),
    }
}
