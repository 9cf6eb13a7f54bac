//! Conditions in words.

use leptos::prelude::*;
use serde_json::Value;

/// What a condition says, in three parts: `risk_score`, `≥`, `85`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionWords {
    /// The field.
    pub field: String,
    /// The test, in words or signs.
    pub test: &'static str,
    /// What it is compared with; empty for tests that compare with nothing.
    pub value: String,
}

/// The words of a condition as written in a rule: key with operator prefix, and value.
pub fn condition_words(key: &str, value: &Value) -> ConditionWords {
    let several = value.as_array().is_some_and(|list| list.len() != 1);
    let prefixes: [(&str, &str, &str); 8] = [
        (">=", "≥", "≥"),
        ("<=", "≤", "≤"),
        ("==", "=", "in"),
        ("!=", "≠", "not in"),
        ("^=", "starts with", "starts with"),
        (">", ">", ">"),
        ("<", "<", "<"),
        ("?", "", ""),
    ];
    let (field, one, many) = prefixes
        .iter()
        .find_map(|(prefix, one, many)| key.strip_prefix(prefix).map(|field| (field, *one, *many)))
        .unwrap_or((key, "=", "in"));
    let words = |test, value| ConditionWords { field: field.to_owned(), test, value };
    match (one, value) {
        ("", Value::Bool(false)) => words("is absent", String::new()),
        ("", _) => words("is present", String::new()),
        ("=", Value::Bool(flag)) => words(if *flag { "is true" } else { "is false" }, String::new()),
        ("≠", Value::Bool(flag)) => words(if *flag { "is not true" } else { "is not false" }, String::new()),
        _ => words(if several { many } else { one }, value_words(value)),
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
    /// The value it had before, struck through.
    #[prop(optional)]
    was: Option<Value>,
) -> impl IntoView {
    let words = condition_words(&field, &value);
    let changed = was.is_some();
    view! {
        <code class="condition" class:condition-changed=changed>
            <span class="condition-field">{words.field}</span>
            " "
            <span class="condition-test">{words.test}{(!words.value.is_empty()).then(|| format!(" {}", words.value))}</span>
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
        assert_eq!(format!("{} {} {}", words.field, words.test, words.value).trim_end(), expected);
    }

    #[test]
    fn every_operator_has_words() {
        reads(">=risk_score", json!(85), "risk_score ≥ 85");
        reads("<=risk_score", json!(0.5), "risk_score ≤ 0.5");
        reads(">cost", json!(1), "cost > 1");
        reads("<cost", json!(1), "cost < 1");
        reads("severity", json!("critical"), "severity = critical");
        reads("==category", json!(["phishing", "malware"]), "category in phishing, malware");
        reads("category", json!(["phishing"]), "category = phishing");
        reads("!=env", json!(["dev", "test"]), "env not in dev, test");
        reads("!=env", json!("dev"), "env ≠ dev");
        reads("^=host", json!("db-"), "host starts with db-");
        reads("?ticket", json!(true), "ticket is present");
        reads("?ticket", json!(false), "ticket is absent");
        reads("sender_vip", json!(true), "sender_vip is true");
        reads("!=sender_vip", json!(true), "sender_vip is not true");
    }

    #[test]
    fn odd_values_still_read() {
        reads("x", json!([]), "x in nothing");
        reads("x", json!(""), "x = “”");
        reads("x", json!(null), "x = null");
    }
}
