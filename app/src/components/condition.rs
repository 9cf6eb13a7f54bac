//! Conditions in words.

use leptos::prelude::*;
use policy::{bundle::Condition, characters::write_out};
use serde_json::Value;

use crate::model::condition::split;

/// A condition in two parts: `risk_score`, `≥ 85`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionWords {
    /// The field.
    pub field: String,
    /// The test, as [`policy::bundle::Test`] displays it; as typed if it cannot be parsed.
    pub test: String,
}

/// A condition in words, from its key with the operator prefix and its value.
pub fn condition_words(key: &str, value: &Value) -> ConditionWords {
    match Condition::parse(key, value) {
        Ok(condition) => {
            ConditionWords { test: condition.test.to_string(), field: write_out(&condition.field).into_owned() }
        }
        Err(_) => {
            let (prefix, field) = split(key);
            ConditionWords {
                field: write_out(field).into_owned(),
                test: format!("{prefix} {}", value_words(value)).trim().to_owned(),
            }
        }
    }
}

/// A value as people write it: text without quotes and with its odd characters written out, lists with commas.
pub fn value_words(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "“”".to_owned(),
        Value::String(text) => write_out(text).into_owned(),
        Value::Array(list) if list.is_empty() => "nothing".to_owned(),
        Value::Array(list) => list.iter().map(value_words).collect::<Vec<_>>().join(", "),
        other => write_out(&other.to_string()).into_owned(),
    }
}

/// One condition: `risk_score ≥ 85`.
#[component]
pub fn ConditionChip(
    /// The key as written, operator included.
    #[prop(into)]
    field: String,
    /// The value as written.
    value: Value,
    /// The earlier value, struck through.
    #[prop(optional)]
    was: Option<Value>,
) -> impl IntoView {
    let words = condition_words(&field, &value);
    let changed = was.is_some();
    view! {
        <code class="condition" class:condition-changed=changed>
            <bdi class="condition-field">{words.field}</bdi>
            " "
            <bdi class="condition-test">{words.test}</bdi>
            {was.map(|was| {
                view! { " " <del><span class="visually-hidden">"was "</span><bdi>{value_words(&was)}</bdi></del> }
            })}
        </code>
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn reads(key: &str, value: Value, expected: &str) {
        let words = condition_words(key, &value);
        assert_eq!(format!("{} {}", words.field, words.test), expected);
    }

    #[test]
    fn conditions_read_as_the_engine_displays_them() {
        reads(">=risk_score", json!(85), "risk_score ≥ 85");
        reads("==category", json!(["phishing", "malware"]), "category in phishing, malware");
        reads("?ticket", json!(false), "ticket is absent");
    }

    #[test]
    fn what_cannot_be_parsed_yet_is_shown_as_typed() {
        reads(">=risk_score", json!("high"), "risk_score >= high");
        reads("x", json!(null), "x null");
        reads("risk_score>=", json!(85), "risk_score>= 85");
    }

    #[test]
    fn odd_characters_are_written_out() {
        reads("branch", json!(["main", "main\u{200b}"]), "branch in main, main<U+200B>");
        reads("x\u{200b}y", json!("\u{202e}a"), "x<U+200B>y is <U+202E>a");
        reads(">=x\u{200b}y", json!("\u{202e}a"), "x<U+200B>y >= <U+202E>a");
        assert_eq!(value_words(&json!({"a": "\u{200b}"})), "{\"a\":\"<U+200B>\"}");
    }
}
