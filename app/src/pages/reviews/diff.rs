//! A text diff as an approver reads it: one card a rule, fields in words, conditions as chips.

use policy::bundle::{
    Effect,
    diff::{FieldChange, ModifiedRule, TextDiff},
};
use serde_json::{Map, Value};

use crate::components::{format, value_words};

/// What happened to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only the draft has it.
    Added,
    /// Only the base has it.
    Removed,
    /// Both have it, differently.
    Changed,
}

impl Kind {
    /// For the badge.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// A value of a field as a page shows it.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// Not set.
    Nothing,
    /// Drawn as an effect.
    Effect(Effect),
    /// Words.
    Text(String),
}

/// One field, old and new.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The field's name in words.
    pub label: String,
    /// As it was.
    pub before: Said,
    /// As it is.
    pub after: Said,
}

/// What became of a condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// The same on both sides.
    Kept,
    /// It had this value before.
    Was(Value),
    /// Only the base has it.
    Gone,
    /// Only the draft has it.
    New,
}

/// One condition as written, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The key, operator included.
    pub key: String,
    /// The value.
    pub value: Value,
    /// What became of it.
    pub fate: Fate,
}

/// One rule of the diff.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// The rule's id.
    pub id: String,
    /// What happened to it.
    pub kind: Kind,
    /// Whom it addresses: agent and action.
    pub agent: String,
    /// See `agent`.
    pub action: String,
    /// Its conditions, kept ones included, so that a change is read in its place.
    pub conditions: Vec<Condition>,
    /// The other fields: for a changed rule those that differ, else all that say something.
    pub lines: Vec<Line>,
}

/// The cards of a diff: changed rules first, since they are what is overlooked most easily.
pub fn cards(diff: &TextDiff) -> Vec<Card> {
    let changed = diff.rules_modified.iter().map(changed_card);
    let added = diff.rules_added.iter().map(|rule| whole_card(rule, Kind::Added));
    let removed = diff.rules_removed.iter().map(|rule| whole_card(rule, Kind::Removed));
    changed.chain(added).chain(removed).collect()
}

/// Changes of the bundle's own settings, in words.
pub fn settings(diff: &TextDiff) -> Vec<Line> {
    diff.settings_changed.iter().map(line).collect()
}

fn changed_card(rule: &ModifiedRule) -> Card {
    let lines = rule.fields.iter().filter(|change| !change.field.starts_with("conditions")).map(line).collect();
    Card {
        id: rule.id.clone(),
        kind: Kind::Changed,
        agent: text(&rule.after, "agent"),
        action: text(&rule.after, "action"),
        conditions: compare(conditions(&rule.before), conditions(&rule.after)),
        lines,
    }
}

fn whole_card(rule: &Map<String, Value>, kind: Kind) -> Card {
    let (before, after) = if kind == Kind::Removed { (conditions(rule), None) } else { (None, conditions(rule)) };
    let lines = ["effect", "priority", "reason", "budget", "tags", "enabled"]
        .into_iter()
        .filter_map(|field| {
            let value = rule.get(field).filter(|value| telling(field, value))?;
            let (before, after) = match kind {
                Kind::Removed => (said(field, value), Said::Nothing),
                Kind::Added | Kind::Changed => (Said::Nothing, said(field, value)),
            };
            Some(Line { label: label(field), before, after })
        })
        .collect();
    Card {
        id: text(rule, "id"),
        kind,
        agent: text(rule, "agent"),
        action: text(rule, "action"),
        conditions: compare(before, after),
        lines,
    }
}

/// Whether a field of a whole rule is worth a line: defaults are not.
fn telling(field: &str, value: &Value) -> bool {
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

/// Two sets of conditions side by side: what stayed or went in the old order, each followed by what replaced it.
pub fn compare(before: Option<&Map<String, Value>>, after: Option<&Map<String, Value>>) -> Vec<Condition> {
    let empty = Map::new();
    let (before, after) = (before.unwrap_or(&empty), after.unwrap_or(&empty));
    let is_new = |key: &str| !before.contains_key(key);
    let mut out: Vec<Condition> = Vec::new();
    let mut push = |key: &str, value: &Value, fate| {
        if !out.iter().any(|shown| shown.key == key) {
            out.push(Condition { key: key.to_owned(), value: value.clone(), fate });
        }
    };
    for (key, old) in before {
        match after.get(key) {
            Some(new) if new == old => push(key, new, Fate::Kept),
            Some(new) => push(key, new, Fate::Was(old.clone())),
            None => {
                push(key, old, Fate::Gone);
                // `>=risk` that became `>risk` is one change, so the two stand together.
                for (moved, value) in after.iter().filter(|(moved, _)| is_new(moved) && field(moved) == field(key)) {
                    push(moved, value, Fate::New);
                }
            }
        }
    }
    for (key, new) in after.iter().filter(|(key, _)| is_new(key)) {
        push(key, new, Fate::New);
    }
    out
}

/// The field a condition's key speaks of.
fn field(key: &str) -> &str {
    key.trim_start_matches(['>', '<', '=', '!', '^', '?'])
}

fn line(change: &FieldChange) -> Line {
    Line {
        label: label(&change.field),
        before: said(&change.field, &change.before),
        after: said(&change.field, &change.after),
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

fn said(field: &str, value: &Value) -> Said {
    match (field, value) {
        (_, Value::Null) => Said::Nothing,
        ("effect" | "default_effect" | "on_error", Value::String(name)) => {
            name.parse().map_or_else(|_| Said::Text(name.clone()), Said::Effect)
        }
        ("enabled", Value::Bool(on)) => Said::Text(if *on { "on" } else { "off" }.to_owned()),
        ("budget", Value::Object(budget)) => Said::Text(budget_in_words(budget)),
        ("schema", Value::Object(schema)) => Said::Text(schema_in_words(schema)),
        (_, Value::Array(items)) if items.is_empty() => Said::Nothing,
        _ => Said::Text(value_words(value)),
    }
}

fn budget_in_words(budget: &Map<String, Value>) -> String {
    let mut parts = Vec::new();
    if let Some(cost) = budget.get("cost").filter(|v| !v.is_null()) {
        // Fractions of a cent are shown whole rather than rounded away.
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
    fn a_moved_threshold_keeps_its_place_and_its_old_value() {
        let before = object(json!({">=risk": 90, "vip": false}));
        let after = object(json!({">=risk": 85, "vip": false}));
        let shown = compare(Some(&before), Some(&after));
        let risk = shown.iter().find(|condition| condition.key == ">=risk").unwrap();
        assert_eq!((&risk.value, &risk.fate), (&json!(85), &Fate::Was(json!(90))));
        assert_eq!(shown.iter().filter(|condition| condition.fate == Fate::Kept).count(), 1);
    }

    #[test]
    fn a_changed_operator_stands_beside_the_old_one() {
        let before = object(json!({"<=age": 3, ">=risk": 90}));
        let after = object(json!({"<=age": 3, ">risk": 90, "vip": true}));
        let fates: Vec<_> = compare(Some(&before), Some(&after)).into_iter().map(|c| (c.key, c.fate)).collect();
        assert_eq!(
            fates,
            [
                ("<=age".to_owned(), Fate::Kept),
                (">=risk".to_owned(), Fate::Gone),
                (">risk".to_owned(), Fate::New),
                ("vip".to_owned(), Fate::New),
            ]
        );
    }

    #[test]
    fn cards_show_changed_rules_first_and_only_what_differs() {
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
        let cards = cards(&diff);
        assert_eq!(cards.iter().map(|card| card.kind).collect::<Vec<_>>(), [Kind::Changed, Kind::Added]);
        assert_eq!(cards[0].lines.len(), 1);
        assert_eq!(cards[0].lines[0].after, Said::Effect(Effect::Allow));
        assert_eq!(cards[1].lines.len(), 2, "effect and reason; defaults stay silent");
    }
}
