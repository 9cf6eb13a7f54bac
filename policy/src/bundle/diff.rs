//! The text diff of two bundles: which rules were added, removed and modified, field by field.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Format, Source, approval_terms, canonical, rule, schema};

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
    /// Changes of `default_effect`, `on_error`, `format`, `timezone` and `schema`.
    pub settings_changed: Vec<FieldChange>,
    /// The differences in a sentence: `1 rule added, 2 modified`.
    pub summary: String,
}

impl TextDiff {
    /// Whether no difference affects decisions or approvals.
    pub fn is_empty(&self) -> bool {
        self.rules_added.is_empty()
            && self.rules_removed.is_empty()
            && self.rules_modified.is_empty()
            && self.settings_changed.is_empty()
    }
}

/// The changes that turn `before` into `after`. The order of rules makes no difference, nor does stating a default.
///
/// Where the format changes, what means nothing in the old or the new one counts as absent there: terms of approvals
/// that come into force, or go out of it, are changes of their rules.
pub fn text_diff(before: &Source, after: &Source) -> TextDiff {
    let mut old: HashMap<Name<'_>, &Map<String, Value>> = named(before).collect();
    let (mut added, mut modified) = (Vec::new(), Vec::new());
    let (format_before, format) = (before.format.unwrap_or_default(), after.format.unwrap_or_default());
    let explicit = |written: &Map<String, Value>, own: Format, other: Format| {
        let mut explicit = rule::with_defaults(written, own);
        explicit.retain(|member, _| own >= other || !approval_terms::MEMBERS.contains(&member.as_str()));
        explicit
    };
    for (name, written) in named(after) {
        match old.remove(&name) {
            None => added.push((name, written)),
            // Most rules are literally equal.
            Some(was) if was == written && (format_before == format || !states_terms(written)) => {}
            Some(was) => {
                let (old, new) = (explicit(was, format_before, format), explicit(written, format, format_before));
                if !same(&old, &new) {
                    modified.push((name, was, written, field_changes(&old, &new)));
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
    diff.summary = summary(&diff, format_before.max(format));
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

fn states_terms(rule: &Map<String, Value>) -> bool {
    approval_terms::MEMBERS.iter().any(|member| rule.contains_key(*member))
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
    let format = |source: &Source| json!(source.format.unwrap_or_default());
    changes.extend(change("format".to_owned(), Some(&format(before)), Some(&format(after))));
    changes.extend(change("timezone".to_owned(), before.timezone(), after.timezone()));
    let explicit = |source: &Source| source.schema.as_ref().map(schema::with_defaults);
    let (old, new) = (explicit(before), explicit(after));
    changes.extend(change("schema".to_owned(), old.as_ref(), new.as_ref()));
    changes
}

/// The differences in a sentence; `format` is the later one of the two bundles.
fn summary(diff: &TextDiff, format: Format) -> String {
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
    // No region of inputs shows these changes, so the sentence names them.
    for member in approval_terms::MEMBERS.into_iter().filter(|_| format >= Format::V1_1) {
        if diff.rules_modified.iter().any(|rule| rule.fields.iter().any(|change| change.field == member)) {
            parts.push(format!("{member} changed"));
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

    #[test]
    fn terms_of_approvals_are_changes_of_their_rule_where_they_mean_something() {
        let bundle = |format: &str, members: Value| {
            let mut rule = json!({"id": "ask", "effect": "needs_approval"});
            rule.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            source(json!({"rules": [rule], "format": format}))
        };
        let diff = |before: &Source, after: &Source| {
            let diff = text_diff(before, after);
            let rules = diff.rules_modified.iter().flat_map(|rule| &rule.fields).map(|change| change.field.clone());
            (rules.collect::<Vec<_>>(), diff.summary)
        };
        let (two, three) = (json!({"quorum": 2, "approvers": []}), json!({"quorum": 3, "unbound": []}));
        let (old, new) = (bundle("1.1", two.clone()), bundle("1.1", three));
        assert_eq!(diff(&old, &new), (vec!["quorum".to_owned()], "1 rule modified, quorum changed".to_owned()));
        // As written they are equal, but only in the later format do they mean something.
        let earlier = bundle("1.0", two);
        let (fields, words) = diff(&earlier, &old);
        assert_eq!((fields, &*words), (vec!["quorum".to_owned()], "1 rule modified, quorum changed, format changed"));
        assert_eq!(diff(&old, &earlier).1, "1 rule modified, quorum changed, format changed");
        let (plain, moved) = (bundle("1.0", json!({})), bundle("1.1", json!({})));
        assert_eq!(diff(&plain, &moved), (vec![], "format changed".to_owned()));
    }
}
