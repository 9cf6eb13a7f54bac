//! Values around the limit of a condition, which show whether the limit is where it should be.

use serde_json::Value;

use crate::bundle::{Condition, Scalar, Test, condition::number_value as number, schema::FieldType};

/// Maximum number of values of one list that get their own case.
const MOST_LISTED: usize = 8;

/// The values around the limit of a condition; `None` stands for an absent field.
pub(super) fn variants(condition: &Condition, kind: Option<FieldType>) -> Vec<Option<Value>> {
    match &condition.test {
        Test::AtLeast(limit) | Test::AtMost(limit) | Test::Above(limit) | Test::Below(limit) => {
            let step = match kind {
                Some(FieldType::Integer) => 1.0,
                _ if limit.fract() == 0.0 && limit.abs() >= 2.0 => 1.0,
                _ => 0.01,
            };
            [limit - step, *limit, limit + step].map(|value| Some(number(tidy(value)))).to_vec()
        }
        Test::In(list) | Test::NotIn(list) => {
            let mut values: Vec<Option<Value>> =
                list.iter().take(MOST_LISTED).map(|item| Some(item.to_value())).collect();
            values.push(Some(match list.first() {
                Some(Scalar::Number(first)) => number(first + 1.0),
                Some(Scalar::Bool(first)) => Value::Bool(!first),
                _ => Value::from("something-else"),
            }));
            values
        }
        Test::StartsWith(prefix) => vec![
            Some(Value::from(format!("{prefix}example"))),
            Some(Value::from(prefix.as_str())),
            Some(Value::from("something-else")),
        ],
        Test::Present(_) => vec![Some(Value::from("example")), None],
    }
}

/// The [`variants`], each with its position in words: `just below 90`, `at 90`, `absent`.
pub(super) fn named_variants(condition: &Condition, kind: Option<FieldType>) -> Vec<(String, Option<Value>)> {
    let name = |at: usize, value: Option<&Value>| match (&condition.test, at, value) {
        (Test::AtLeast(limit) | Test::AtMost(limit) | Test::Above(limit) | Test::Below(limit), at, _) => {
            let place = ["just below", "at", "just above"].get(at).copied().unwrap_or_default();
            format!("{place} {limit}")
        }
        (Test::Present(_), _, Some(_)) => "present".to_owned(),
        (_, _, None) => "absent".to_owned(),
        (_, _, Some(value)) => Scalar::read(value).map_or_else(String::new, |value| value.to_string()),
    };
    let variants = variants(condition, kind).into_iter().enumerate();
    variants.map(|(at, value)| (name(at, value.as_ref()), value)).collect()
}

/// The number of [`variants`].
pub(super) fn variant_count(condition: &Condition) -> usize {
    match &condition.test {
        Test::In(list) | Test::NotIn(list) => list.len().min(MOST_LISTED) + 1,
        Test::Present(_) => 2,
        _ => 3,
    }
}

/// Keeps decimal fractions short: `0.1 + 0.01` is written `0.11`.
pub(super) fn tidy(value: f64) -> f64 {
    const SCALE: f64 = 1e6;
    let scaled = value * SCALE;
    if scaled.abs() < 1e15 { scaled.round() / SCALE } else { value }
}
