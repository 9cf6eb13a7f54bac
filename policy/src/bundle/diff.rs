//! The text diff of two bundles: which rules were added, removed and modified, field by field.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Source, canonical, rule, schema};

/// One field of a rule that differs between two bundles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The key, e.g. `priority` or `conditions.>=risk_score`.
    pub field: String,
    /// The old value; null when the field was absent.
    pub before: Value,
    /// The new value; null when the field was removed.
    pub after: Value,
}

/// A rule present in both bundles that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModifiedRule {
    /// The rule.
    pub id: String,
    /// The rule in the older bundle.
    pub before: Map<String, Value>,
    /// The rule in the newer bundle.
    pub after: Map<String, Value>,
    /// The differences, field by field.
    pub fields: Vec<FieldChange>,
}

/// The differences between two bundles.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TextDiff {
    /// Rules that only the newer bundle has, by id.
    pub rules_added: Vec<Map<String, Value>>,
    /// Rules that only the older bundle has, by id.
    pub rules_removed: Vec<Map<String, Value>>,
    /// Rules that both bundles have but that differ, by id.
    pub rules_modified: Vec<ModifiedRule>,
    /// Changes of `default_effect`, `on_error` and `schema`.
    pub settings_changed: Vec<FieldChange>,
    /// The differences in a sentence: `1 rule added, 2 modified`.
    pub summary: String,
}

impl TextDiff {
    /// Whether no difference affects decisions.
    pub fn is_empty(&self) -> bool {
        self.rules_added.is_empty()
            && self.rules_removed.is_empty()
            && self.rules_modified.is_empty()
            && self.settings_changed.is_empty()
    }
}

/// The changes that turn `before` into `after`. The order of rules makes no difference, nor does stating a default.
pub fn text_diff(before: &Source, after: &Source) -> TextDiff {
    let mut old: HashMap<Name<'_>, &Map<String, Value>> = named(before).collect();
    let (mut added, mut modified) = (Vec::new(), Vec::new());
    for (name, written) in named(after) {
        match old.remove(&name) {
            None => added.push((name, written)),
            // Most rules are literally equal.
            Some(was) if was == written => {}
            Some(was) => {
                let (was_explicit, explicit) = (rule::with_defaults(was), rule::with_defaults(written));
                if !same(&was_explicit, &explicit) {
                    modified.push((name, was, written, field_changes(&was_explicit, &explicit)));
                }
            }
        }
    }
    let mut removed: Vec<_> = old.into_iter().collect();
    added.sort_by_key(|(name, _)| *name);
    removed.sort_by_key(|(name, _)| *name);
    modified.sort_by_key(|(name, ..)| *name);

    let whole = |rules: Vec<(Name<'_>, &Map<String, Value>)>| rules.into_iter().map(|(_, rule)| rule.clone()).collect();
    let changed = modified.into_iter().map(|((id, _), was, is, fields)| ModifiedRule {
        id: id.to_owned(),
        before: was.clone(),
        after: is.clone(),
        fields,
    });
    let mut diff = TextDiff {
        rules_added: whole(added),
        rules_removed: whole(removed),
        rules_modified: changed.collect(),
        settings_changed: settings(before, after),
        summary: String::new(),
    };
    diff.summary = summary(&diff);
    diff
}

/// A rule's id and its occurrence, because drafts may repeat or omit an id.
type Name<'a> = (&'a str, usize);

fn named(source: &Source) -> impl Iterator<Item = (Name<'_>, &Map<String, Value>)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    source.rules.iter().map(move |written| {
        let id = written.get("id").and_then(Value::as_str).unwrap_or_default();
        let count = seen.entry(id).or_default();
        *count += 1;
        ((id, *count), written)
    })
}

/// Whether two objects are equal in the number model of canonical JSON.
fn same(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    a == b || canonical::canonical_object(a) == canonical::canonical_object(b)
}

fn same_value(a: &Value, b: &Value) -> bool {
    a == b || canonical::canonical(a) == canonical::canonical(b)
}

fn field_changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    for field in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (old, new) = (before.get(field), after.get(field));
        match (old, new) {
            // Conditions and budgets change member by member.
            (Some(Value::Object(old)), Some(Value::Object(new))) if field != "metadata" => {
                changes.extend(member_changes(field, old, new));
            }
            (None, Some(Value::Object(new))) if field == "budget" => {
                changes.extend(member_changes(field, &Map::new(), new));
            }
            (Some(Value::Object(old)), None) if field == "budget" => {
                changes.extend(member_changes(field, old, &Map::new()));
            }
            _ => changes.extend(change(field.clone(), old, new)),
        }
    }
    changes
}

fn member_changes(field: &str, old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<FieldChange> {
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    keys.into_iter().filter_map(|key| change(format!("{field}.{key}"), old.get(key), new.get(key))).collect()
}

fn change(field: String, old: Option<&Value>, new: Option<&Value>) -> Option<FieldChange> {
    let (before, after) = (old.cloned().unwrap_or_default(), new.cloned().unwrap_or_default());
    (!same_value(&before, &after)).then_some(FieldChange { field, before, after })
}

fn settings(before: &Source, after: &Source) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    for (field, old, new) in
        [("default_effect", before.default_effect, after.default_effect), ("on_error", before.on_error, after.on_error)]
    {
        changes.extend(change(field.to_owned(), Some(&json!(old)), Some(&json!(new))));
    }
    let explicit = |source: &Source| source.schema.as_ref().map(schema::with_defaults);
    let (old, new) = (explicit(before), explicit(after));
    changes.extend(change("schema".to_owned(), old.as_ref(), new.as_ref()));
    changes
}

fn summary(diff: &TextDiff) -> String {
    let mut parts = Vec::new();
    for (count, what) in [
        (diff.rules_added.len(), "added"),
        (diff.rules_removed.len(), "removed"),
        (diff.rules_modified.len(), "modified"),
    ] {
        match count {
            0 => {}
            _ if !parts.is_empty() => parts.push(format!("{count} {what}")),
            1 => parts.push(format!("1 rule {what}")),
            many => parts.push(format!("{many} rules {what}")),
        }
    }
    for change in &diff.settings_changed {
        parts.push(format!("{} changed", change.field));
    }
    if parts.is_empty() { "no change".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(value: Value) -> Source {
        Source::read(value).unwrap()
    }

    #[test]
    fn rules_are_compared_field_by_field() {
        let before = source(json!([
            {"id": "removed", "effect": "deny"},
            {"id": "same", "effect": "deny", "priority": 50},
            {"id": "moved", "effect": "deny", "conditions": {">=risk": 90, "vip": true}, "budget": {"cost": 1}},
        ]));
        let after = source(json!({"rules": [
            {"id": "moved", "effect": "allow", "conditions": {">=risk": 85, "vip": true}},
            {"id": "same", "effect": "deny", "enabled": true},
            {"id": "fresh", "effect": "deny"},
        ], "on_error": "allow"}));
        let diff = text_diff(&before, &after);
        assert_eq!(diff.summary, "1 rule added, 1 removed, 1 modified, on_error changed");
        let fields: Vec<_> =
            diff.rules_modified[0].fields.iter().map(|c| (c.field.as_str(), &c.before, &c.after)).collect();
        assert_eq!(
            fields,
            [
                ("budget.cost", &json!(1), &json!(null)),
                ("conditions.>=risk", &json!(90), &json!(85)),
                ("effect", &json!("deny"), &json!("allow")),
            ]
        );
        assert!(text_diff(&before, &before).is_empty());
        assert_eq!(text_diff(&before, &before).summary, "no change");
    }
}
