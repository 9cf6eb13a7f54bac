//! Conditions in words.

use leptos::prelude::*;
use policy::bundle::Condition;
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
        Ok(condition) => ConditionWords { test: condition.test.to_string(), field: condition.field },
        Err(_) => {
            let (prefix, field) = split(key);
            ConditionWords {
                field: field.to_owned(),
                test: format!("{prefix} {}", value_words(value)).trim().to_owned(),
            }
        }
    }
}

/// A value as people write it: text without quotes, lists with commas.
pub fn value_words(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "“”".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "nothing".to_owned(),
        Value::Array(list) => list.iter().map(value_words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
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
            <span class="condition-field">{words.field}</span>
            " "
            <span class="condition-test">{words.test}</span>
            {was.map(|was| view! { " " <del><span class="visually-hidden">"was "</span>{value_words(&was)}</del> })}
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
}
