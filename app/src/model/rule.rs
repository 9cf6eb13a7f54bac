//! Reading and writing the fields of one rule as written. Reading never fails: an absent or wrong field reads as the
//! language's default, and the linter reports what is wrong.

use std::sync::Arc;

use policy::{
    bundle::Effect,
    limits::{DEFAULT_PRIORITY, MAX_PRIORITY},
};
use serde_json::{Map, Value};

/// A rule as written.
pub type RawRule = Map<String, Value>;

/// A shared rule. Comparing it with itself is quick.
#[derive(Debug, Clone)]
pub struct SharedRule(pub Arc<RawRule>);

impl PartialEq for SharedRule {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

/// The keys of a rule, in the order people write them.
pub const KEY_ORDER: [&str; 15] = [
    "id",
    "agent",
    "action",
    "conditions",
    "effect",
    "reason",
    "priority",
    "budget",
    "approvers",
    "quorum",
    "expires_in",
    "unbound",
    "enabled",
    "tags",
    "metadata",
];

/// Text of a string field; empty when absent.
pub fn text<'a>(rule: &'a RawRule, field: &str) -> &'a str {
    rule.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The rule's id; empty if it has none.
pub fn id(rule: &RawRule) -> &str {
    text(rule, "id")
}

/// The rule's name in a sentence.
pub fn name(rule: &RawRule) -> &str {
    match id(rule) {
        "" => "rule without id",
        id => id,
    }
}

/// The effect; `None` if absent or unknown.
pub fn effect(rule: &RawRule) -> Option<Effect> {
    text(rule, "effect").parse().ok()
}

/// The priority the evaluator uses.
pub fn priority(rule: &RawRule) -> f64 {
    rule.get("priority").and_then(Value::as_f64).unwrap_or_else(|| f64::from(DEFAULT_PRIORITY))
}

/// Whether the rule is enabled.
pub fn enabled(rule: &RawRule) -> bool {
    rule.get("enabled").and_then(Value::as_bool).unwrap_or(true)
}

/// The tags.
pub fn tags(rule: &RawRule) -> Vec<String> {
    let tags = rule.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    tags.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The conditions as written.
pub fn conditions(rule: &RawRule) -> impl Iterator<Item = (&String, &Value)> {
    rule.get("conditions").and_then(Value::as_object).into_iter().flatten()
}

/// A part of the budget.
pub fn budget<'a>(rule: &'a RawRule, part: &str) -> Option<&'a Value> {
    rule.get("budget")?.get(part)
}

/// Sets a field, or removes it if `value` is `None`.
pub fn set(rule: &mut RawRule, field: &str, value: Option<Value>) {
    match value {
        Some(value) => {
            rule.insert(field.to_owned(), value);
        }
        None => {
            rule.remove(field);
        }
    }
}

/// Sets a part of the budget. A budget that becomes empty is removed.
pub fn set_budget(rule: &mut RawRule, part: &str, value: Option<Value>) {
    let mut budget = rule.get("budget").and_then(Value::as_object).cloned().unwrap_or_default();
    set(&mut budget, part, value);
    set(rule, "budget", (!budget.is_empty()).then_some(Value::Object(budget)));
}

/// Changes the conditions. A value that is not an object is replaced.
pub fn edit_conditions(rule: &mut RawRule, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut conditions = match rule.remove("conditions") {
        Some(Value::Object(conditions)) => conditions,
        _ => Map::new(),
    };
    change(&mut conditions);
    rule.insert("conditions".to_owned(), Value::Object(conditions));
}

/// A priority as a JSON number, clamped to the allowed range.
pub fn priority_value(priority: f64) -> Value {
    number(priority.clamp(0.0, f64::from(MAX_PRIORITY)))
}

/// A JSON number as people write it: whole numbers without a fraction.
pub fn number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 { Value::from(number as i64) } else { Value::from(number) }
}

/// The error for typed text that is not a finite number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotANumber;

/// Parses the text of a number field. An empty field gives `None`.
///
/// # Errors
/// [`NotANumber`] when the text is not a finite number.
pub fn read_number(text: &str) -> Result<Option<Value>, NotANumber> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    typed_number(text).map(Some).ok_or(NotANumber)
}

/// The number in `text`. A whole number keeps every digit, so that the linter can say when it has too many.
pub fn typed_number(text: &str) -> Option<Value> {
    let whole = text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from));
    whole.ok().or_else(|| text.parse::<f64>().ok().filter(|value| value.is_finite()).map(number))
}

/// A rule to start from. It is not valid yet: the linter reports what is missing.
pub fn blank(id: &str) -> RawRule {
    let mut rule = RawRule::new();
    set(&mut rule, "id", Some(id.into()));
    set(&mut rule, "agent", Some("*".into()));
    set(&mut rule, "action", Some("*".into()));
    set(&mut rule, "conditions", Some(Value::Object(Map::new())));
    set(&mut rule, "effect", Some(Effect::Deny.name().into()));
    set(&mut rule, "reason", Some("".into()));
    set(&mut rule, "priority", Some(DEFAULT_PRIORITY.into()));
    set(&mut rule, "enabled", Some(true.into()));
    rule
}

/// An id that is not in `taken`: `base`, otherwise `base-2`, `base-3`, …
pub fn free_id(base: &str, taken: &std::collections::HashSet<&str>) -> String {
    let base = if base.is_empty() { "new-rule" } else { base };
    if !taken.contains(base) {
        return base.to_owned();
    }
    let stem = match base.rsplit_once('-') {
        Some((stem, tail)) if !stem.is_empty() && tail.parse::<u32>().is_ok() => stem,
        _ => base,
    };
    (2..).map(|n: u32| format!("{stem}-{n}")).find(|id| !taken.contains(id.as_str())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        assert_eq!(number(5.0).to_string(), "5");
        assert_eq!(number(0.05).to_string(), "0.05");
        assert_eq!(read_number(" 85 "), Ok(Some(json!(85))));
        assert_eq!(read_number("9007199254740993"), Ok(Some(json!(9_007_199_254_740_993_u64))));
        assert_eq!(read_number("-9007199254740993").unwrap().unwrap().to_string(), "-9007199254740993");
        assert_eq!(read_number("18446744073709551615").unwrap().unwrap().to_string(), "18446744073709551615");
        assert_eq!(read_number(""), Ok(None));
        assert_eq!(read_number("NaN"), Err(NotANumber));
        assert_eq!(read_number("8 5"), Err(NotANumber));
    }

    #[test]
    fn a_free_id_counts_on() {
        let taken = ["new-rule", "new-rule-2", "abc"].into();
        assert_eq!(free_id("new-rule", &taken), "new-rule-3");
        assert_eq!(free_id("new-rule-2", &taken), "new-rule-3");
        assert_eq!(free_id("abc", &taken), "abc-2");
        assert_eq!(free_id("", &taken), "new-rule-3");
        assert_eq!(free_id("xyz", &taken), "xyz");
    }

    #[test]
    fn an_empty_budget_is_not_written() {
        let mut rule = blank("aaa");
        set_budget(&mut rule, "cost", Some(json!(5)));
        set_budget(&mut rule, "risk", Some(json!("low")));
        set_budget(&mut rule, "cost", None);
        assert_eq!(rule["budget"], json!({"risk": "low"}));
        set_budget(&mut rule, "risk", None);
        assert!(!rule.contains_key("budget"));
    }
}
