//! One condition evaluated on one input: true, false, or in error.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Fact, ValueType};
use crate::bundle::{Condition, Scalar, Test};

/// The result of one condition for one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionResult {
    /// The condition holds.
    True,
    /// The condition does not hold.
    False,
    /// The value has a type that the condition cannot compare with.
    Error,
}

/// The value at a dotted path, with null read as absent.
///
/// When the context has a member named by the first segment, null included, the path is followed (`{"sender":
/// {"domain": …}}` for `sender.domain`), wherever it leads. Only without that member is a key of the top level read that
/// is spelled exactly like the whole path (`{"sender.domain": …}`). So nobody can override what a nested object says, or
/// leaves out, by adding a flat key.
pub fn lookup<'a>(context: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let found = match path.split_once('.') {
        None => context.get(path),
        Some((first, rest)) => match context.get(first) {
            Some(member) => rest.split('.').try_fold(member, |value, step| value.as_object()?.get(step)),
            None => context.get(path),
        },
    };
    found.filter(|value| !value.is_null())
}

/// The type of a value that was found; absent and null both count as missing.
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

/// The result of `test` for the value at its field.
///
/// An absent value fails every test except `?f: false`. A value of a wrong type is an error: a value that is not a
/// number for the four comparisons, not a string for `^=`, and of a type that none of the listed values has for lists.
pub fn apply(test: &Test, value: Option<&Value>) -> ConditionResult {
    apply_fact(test, Fact::from(value))
}

/// [`apply`] for the engine's view of the value.
pub fn apply_fact(test: &Test, fact: Fact<'_>) -> ConditionResult {
    if let Test::Present(wanted) = test {
        return from_bool((fact != Fact::Missing) == *wanted);
    }
    if fact == Fact::Missing {
        return ConditionResult::False;
    }
    match test {
        Test::AtLeast(limit) => compare(fact, |number| number >= *limit),
        Test::AtMost(limit) => compare(fact, |number| number <= *limit),
        Test::Above(limit) => compare(fact, |number| number > *limit),
        Test::Below(limit) => compare(fact, |number| number < *limit),
        Test::In(list) => member(list, fact, true),
        Test::NotIn(list) => member(list, fact, false),
        Test::StartsWith(prefix) => match fact {
            Fact::Text(text) => from_bool(text.starts_with(prefix.as_str())),
            _ => ConditionResult::Error,
        },
        Test::Present(wanted) => from_bool(*wanted),
    }
}

/// Whether two values are equal; numbers compare by value, so `1` equals `1.0`.
pub fn same(scalar: &Scalar, fact: Fact<'_>) -> bool {
    match (scalar, fact) {
        (Scalar::Number(wanted), Fact::Number(found)) => found == *wanted,
        (Scalar::String(wanted), Fact::Text(found)) => wanted == found,
        (Scalar::Bool(wanted), Fact::Bool(found)) => *wanted == found,
        _ => false,
    }
}

fn same_type(scalar: &Scalar, fact: Fact<'_>) -> bool {
    matches!(
        (scalar, fact),
        (Scalar::Number(_), Fact::Number(_)) | (Scalar::String(_), Fact::Text(_)) | (Scalar::Bool(_), Fact::Bool(_))
    )
}

fn from_bool(holds: bool) -> ConditionResult {
    if holds { ConditionResult::True } else { ConditionResult::False }
}

fn compare(fact: Fact<'_>, holds: impl Fn(f64) -> bool) -> ConditionResult {
    match fact {
        Fact::Number(number) => from_bool(holds(number)),
        _ => ConditionResult::Error,
    }
}

fn member(list: &[Scalar], fact: Fact<'_>, wanted: bool) -> ConditionResult {
    if list.iter().any(|scalar| same(scalar, fact)) {
        from_bool(wanted)
    } else if list.iter().any(|scalar| same_type(scalar, fact)) {
        from_bool(!wanted)
    } else {
        ConditionResult::Error
    }
}

/// The type of value that the condition compares with, in words, for the message of a type error.
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
