//! Conditions and values as a person reads them: `risk_score ≥ 85`, never JSON.

use serde_json::Value;

use super::ValueType;
use crate::bundle::{Condition, Scalar, Test};

/// `risk_score ≥ 85`, `category is phishing or malware`, `sender_domain is present`.
pub fn condition(condition: &Condition) -> String {
    let field = &condition.field;
    match &condition.test {
        Test::AtLeast(limit) => format!("{field} ≥ {limit}"),
        Test::AtMost(limit) => format!("{field} ≤ {limit}"),
        Test::Above(limit) => format!("{field} > {limit}"),
        Test::Below(limit) => format!("{field} < {limit}"),
        Test::In(list) => format!("{field} is {}", alternatives(list, "or")),
        Test::NotIn(list) => format!("{field} is not {}", alternatives(list, "or")),
        Test::StartsWith(prefix) => format!("{field} starts with “{prefix}”"),
        Test::Present(true) => format!("{field} is present"),
        Test::Present(false) => format!("{field} is absent"),
    }
}

/// A scalar as a person reads it.
pub fn scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Number(number) => number.to_string(),
        Scalar::String(text) if text.is_empty() => "“”".to_owned(),
        Scalar::String(text) => text.clone(),
        Scalar::Bool(flag) => flag.to_string(),
    }
}

/// `a`, `a or b`, `a, b or c`; long lists are cut after eight.
pub fn alternatives(list: &[Scalar], joint: &str) -> String {
    const SHOWN: usize = 8;
    let mut words: Vec<String> = list.iter().take(SHOWN).map(scalar).collect();
    if list.len() > SHOWN {
        words.push(format!("{} more", list.len() - SHOWN));
    }
    match words.pop() {
        None => "none of no values".to_owned(),
        Some(only) if words.is_empty() => only,
        Some(last) => format!("{} {joint} {last}", words.join(", ")),
    }
}

/// What was found, for the sentence "but the input has … there".
pub fn found(kind: ValueType, value: Option<&Value>) -> String {
    match (kind, value) {
        (ValueType::Missing, _) | (_, None) => "nothing".to_owned(),
        (ValueType::Array, _) => "an array".to_owned(),
        (ValueType::Object, _) => "an object".to_owned(),
        (ValueType::Boolean, Some(value)) => value.to_string(),
        (ValueType::Number, Some(value)) => format!("the number {value}"),
        (ValueType::String, Some(value)) => {
            let text: String = value.as_str().unwrap_or_default().chars().take(40).collect();
            format!("the string “{text}”")
        }
    }
}
