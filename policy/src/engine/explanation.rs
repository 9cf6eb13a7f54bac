//! Values in the words of a sentence.

use serde_json::Value;

use super::ValueType;
use crate::{bundle::Scalar, characters::write_out};

/// `a`, `a or b`, `a, b or c`; long lists are cut after eight.
pub fn alternatives(list: &[Scalar], joint: &str) -> String {
    const SHOWN: usize = 8;
    let mut words: Vec<String> = list.iter().take(SHOWN).map(Scalar::to_string).collect();
    if list.len() > SHOWN {
        words.push(format!("{} more", list.len() - SHOWN));
    }
    match words.pop() {
        None => "none of no values".to_owned(),
        Some(only) if words.is_empty() => only,
        Some(last) => format!("{} {joint} {last}", words.join(", ")),
    }
}

/// The value that was found, for the sentence "but the input has … there".
pub fn found(kind: ValueType, value: Option<&Value>) -> String {
    match (kind, value) {
        (ValueType::Missing, _) | (_, None) => "nothing".to_owned(),
        (ValueType::Array, _) => "an array".to_owned(),
        (ValueType::Object, _) => "an object".to_owned(),
        (ValueType::Boolean, Some(value)) => value.to_string(),
        (ValueType::Number, Some(value)) => format!("the number {value}"),
        (ValueType::String, Some(value)) => {
            let text: String = value.as_str().unwrap_or_default().chars().take(40).collect();
            format!("the string “{}”", write_out(&text))
        }
    }
}
