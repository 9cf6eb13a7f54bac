//! A text diff prepared for approvers: one entry for each rule, with its fields in words and its conditions as chips.

use policy::bundle::{
    Effect,
    diff::{FieldChange, ModifiedRule, TextDiff},
};
use serde_json::{Map, Value};

use crate::components::{format, value_words};

/// The kind of change to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// Only the draft has the rule.
    Added,
    /// Only the base has the rule.
    Removed,
    /// Both have the rule, but differently.
    Changed,
}

impl ChangeKind {
    /// The label of the badge.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// A value of a field, as the page shows it.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// Not set.
    Unset,
    /// Shown as an effect.
    Effect(Effect),
    /// Shown as text.
    Text(String),
}

/// One field before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldLine {
    /// The label of the field.
    pub label: String,
    /// The value before.
    pub before: FieldValue,
    /// The value after.
    pub after: FieldValue,
}

/// The change to a condition.
#[derive(Debug, Clone, PartialEq)]
pub enum ConditionChange {
    /// Draft and base have the condition with the same value.
    Unchanged,
    /// The condition had this value before.
    ChangedFrom(Value),
    /// Only the base has the condition.
    Removed,
    /// Only the draft has the condition.
    Added,
}

/// One condition as written, and its change.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The key, operator included.
    pub key: String,
    /// The value.
    pub value: Value,
    /// The change to the condition.
    pub change: ConditionChange,
}

/// One rule of the diff.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleDiff {
    /// The rule's id.
    pub id: String,
    /// The kind of change.
    pub kind: ChangeKind,
    /// The agent that the rule applies to.
    pub agent: String,
    /// The action that the rule applies to.
    pub action: String,
    /// The conditions, unchanged ones included, so that a change is read in context.
    pub conditions: Vec<Condition>,
    /// The other fields: for a changed rule those that differ, otherwise all that are not defaults.
    pub lines: Vec<FieldLine>,
}

/// The rules of a diff. Changed rules are first, because they are overlooked most easily.
pub fn rules(diff: &TextDiff) -> Vec<RuleDiff> {
    let changed = diff.rules_modified.iter().map(changed_rule);
    let added = diff.rules_added.iter().map(|rule| whole_rule(rule, ChangeKind::Added));
    let removed = diff.rules_removed.iter().map(|rule| whole_rule(rule, ChangeKind::Removed));
    changed.chain(added).chain(removed).collect()
}

/// Changes to the settings of the bundle.
pub fn settings(diff: &TextDiff) -> Vec<FieldLine> {
    diff.settings_changed.iter().map(line).collect()
}

fn changed_rule(rule: &ModifiedRule) -> RuleDiff {
    let lines = rule.fields.iter().filter(|change| !change.field.starts_with("conditions")).map(line).collect();
    RuleDiff {
        id: rule.id.clone(),
        kind: ChangeKind::Changed,
        agent: text(&rule.after, "agent"),
        action: text(&rule.after, "action"),
        conditions: compare(conditions(&rule.before), conditions(&rule.after)),
        lines,
    }
}

fn whole_rule(rule: &Map<String, Value>, kind: ChangeKind) -> RuleDiff {
    let (before, after) = if kind == ChangeKind::Removed { (conditions(rule), None) } else { (None, conditions(rule)) };
    let terms = policy::bundle::approval_terms::MEMBERS;
    let lines = ["effect", "priority", "reason", "budget", "tags", "enabled"]
        .into_iter()
        .chain(terms)
        .filter_map(|field| {
            let value = rule.get(field).filter(|value| is_worth_showing(field, value))?;
            let (before, after) = match kind {
                ChangeKind::Removed => (field_value(field, value), FieldValue::Unset),
                ChangeKind::Added | ChangeKind::Changed => (FieldValue::Unset, field_value(field, value)),
            };
            Some(FieldLine { label: label(field), before, after })
        })
        .collect();
    RuleDiff {
        id: text(rule, "id"),
        kind,
        agent: text(rule, "agent"),
        action: text(rule, "action"),
        conditions: compare(before, after),
        lines,
    }
}

/// Whether a field of a whole rule is shown: default values are not.
fn is_worth_showing(field: &str, value: &Value) -> bool {
    match (field, value) {
        ("enabled", value) => *value == Value::Bool(false),
        (_, Value::Null) => false,
        (_, Value::Array(items)) => !items.is_empty(),
        (_, Value::Object(members)) => !members.is_empty(),
        _ => true,
    }
}

fn text(rule: &Map<String, Value>, field: &str) -> String {
    rule.get(field).and_then(Value::as_str).unwrap_or("*").to_owned()
}

fn conditions(rule: &Map<String, Value>) -> Option<&Map<String, Value>> {
    rule.get("conditions").and_then(Value::as_object)
}

/// Compares two sets of conditions: unchanged and removed conditions in their old order, each followed by its
/// replacement.
pub fn compare(before: Option<&Map<String, Value>>, after: Option<&Map<String, Value>>) -> Vec<Condition> {
    let empty = Map::new();
    let (before, after) = (before.unwrap_or(&empty), after.unwrap_or(&empty));
    let is_new = |key: &str| !before.contains_key(key);
    let mut out: Vec<Condition> = Vec::new();
    let mut push = |key: &str, value: &Value, change| {
        if !out.iter().any(|shown| shown.key == key) {
            out.push(Condition { key: key.to_owned(), value: value.clone(), change });
        }
    };
    for (key, old) in before {
        match after.get(key) {
            Some(new) if new == old => push(key, new, ConditionChange::Unchanged),
            Some(new) => push(key, new, ConditionChange::ChangedFrom(old.clone())),
            None => {
                push(key, old, ConditionChange::Removed);
                // `>=risk` that became `>risk` is one change, so both are listed together.
                for (added, value) in after.iter().filter(|(added, _)| is_new(added) && field(added) == field(key)) {
                    push(added, value, ConditionChange::Added);
                }
            }
        }
    }
    for (key, new) in after.iter().filter(|(key, _)| is_new(key)) {
        push(key, new, ConditionChange::Added);
    }
    out
}

/// The field in the key of a condition.
fn field(key: &str) -> &str {
    key.trim_start_matches(['>', '<', '=', '!', '^', '?'])
}

fn line(change: &FieldChange) -> FieldLine {
    FieldLine {
        label: label(&change.field),
        before: field_value(&change.field, &change.before),
        after: field_value(&change.field, &change.after),
    }
}

fn label(field: &str) -> String {
    match field {
        "default_effect" => "When no rule matches".to_owned(),
        "on_error" => "On an evaluation error".to_owned(),
        "schema" => "Declared inputs".to_owned(),
        "enabled" => "Enabled".to_owned(),
        other => crate::labels::capital(&other.replace(['_', '.'], " ")),
    }
}

fn field_value(field: &str, value: &Value) -> FieldValue {
    match (field, value) {
        (_, Value::Null) => FieldValue::Unset,
        ("effect" | "default_effect" | "on_error", Value::String(name)) => {
            name.parse().map_or_else(|_| FieldValue::Text(name.clone()), FieldValue::Effect)
        }
        ("enabled", Value::Bool(on)) => FieldValue::Text(if *on { "on" } else { "off" }.to_owned()),
        ("budget", Value::Object(budget)) => FieldValue::Text(budget_in_words(budget)),
        ("schema", Value::Object(schema)) => FieldValue::Text(schema_in_words(schema)),
        (_, Value::Array(items)) if items.is_empty() => FieldValue::Unset,
        _ => FieldValue::Text(value_words(value)),
    }
}

fn budget_in_words(budget: &Map<String, Value>) -> String {
    let mut parts = Vec::new();
    if let Some(cost) = budget.get("cost").filter(|v| !v.is_null()) {
        // An amount with a fraction of a cent is shown in full, not rounded.
        let in_cents = |cost: &f64| (cost * 100.0).fract().abs() < 1e-9;
        parts.push(cost.as_f64().filter(in_cents).map_or_else(|| format!("${}", value_words(cost)), format::usd));
    }
    if let Some(compute) = budget.get("compute").filter(|v| !v.is_null()) {
        parts.push(format!("{} compute", value_words(compute)));
    }
    if let Some(risk) = budget.get("risk").and_then(Value::as_str) {
        parts.push(format!("{risk} risk"));
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(" · ") }
}

fn schema_in_words(schema: &Map<String, Value>) -> String {
    let agents = schema.get("agents").and_then(Value::as_object).map_or(schema.len(), Map::len);
    match agents {
        1 => "one agent declared".to_owned(),
        n => format!("{n} agents declared"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_changed_threshold_keeps_its_place_and_its_old_value() {
        let before = object(json!({">=risk": 90, "vip": false}));
        let after = object(json!({">=risk": 85, "vip": false}));
        let shown = compare(Some(&before), Some(&after));
        let risk = shown.iter().find(|condition| condition.key == ">=risk").unwrap();
        assert_eq!((&risk.value, &risk.change), (&json!(85), &ConditionChange::ChangedFrom(json!(90))));
        assert_eq!(shown.iter().filter(|condition| condition.change == ConditionChange::Unchanged).count(), 1);
    }

    #[test]
    fn a_changed_operator_stands_beside_the_old_one() {
        let before = object(json!({"<=age": 3, ">=risk": 90}));
        let after = object(json!({"<=age": 3, ">risk": 90, "vip": true}));
        let changes: Vec<_> = compare(Some(&before), Some(&after)).into_iter().map(|c| (c.key, c.change)).collect();
        assert_eq!(
            changes,
            [
                ("<=age".to_owned(), ConditionChange::Unchanged),
                (">=risk".to_owned(), ConditionChange::Removed),
                (">risk".to_owned(), ConditionChange::Added),
                ("vip".to_owned(), ConditionChange::Added),
            ]
        );
    }

    #[test]
    fn changed_rules_are_first_and_show_only_what_differs() {
        let diff = TextDiff {
            rules_added: vec![object(json!({"id": "new-rule", "agent": "a", "action": "b", "effect": "allow",
                "reason": "because it helps", "enabled": true, "tags": []}))],
            rules_modified: vec![ModifiedRule {
                id: "old-rule".into(),
                before: object(json!({"id": "old-rule", "agent": "a", "action": "b", "effect": "deny"})),
                after: object(json!({"id": "old-rule", "agent": "a", "action": "b", "effect": "allow"})),
                fields: vec![FieldChange { field: "effect".into(), before: json!("deny"), after: json!("allow") }],
            }],
            ..TextDiff::default()
        };
        let rules = rules(&diff);
        assert_eq!(rules.iter().map(|rule| rule.kind).collect::<Vec<_>>(), [ChangeKind::Changed, ChangeKind::Added]);
        assert_eq!(rules[0].lines.len(), 1);
        assert_eq!(rules[0].lines[0].after, FieldValue::Effect(Effect::Allow));
        assert_eq!(rules[1].lines.len(), 2, "effect and reason; defaults are not shown");
    }
}
