//! The changes that a packet would overwrite when another bundle has become stable since the packet was built.

use std::collections::BTreeSet;

use policy::bundle::{
    Source,
    diff::{TextDiff, text_diff},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How a rule or a setting of the live bundle changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Added.
    Added,
    /// Changed.
    Changed,
    /// Removed.
    Removed,
}

impl ChangeKind {
    /// The kind in a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// A change of the live bundle that the draft does not contain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overwritten {
    /// The rule's id, or the name of the bundle's setting.
    pub what: String,
    /// How the live bundle changed.
    #[serde(rename = "happened")]
    pub kind: ChangeKind,
}

/// The changes from `base` to `live` that `draft` would undo, because `draft` does not contain them.
pub fn overwritten(base: Option<&Source>, live: &Source, draft: &Source) -> Vec<Overwritten> {
    let empty = Source::default();
    let theirs = changes(&text_diff(base.unwrap_or(&empty), live));
    let ours: BTreeSet<String> = changes(&text_diff(live, draft)).into_iter().map(|change| change.what).collect();
    theirs.into_iter().filter(|change| ours.contains(&change.what)).collect()
}

fn changes(diff: &TextDiff) -> Vec<Overwritten> {
    let id = |rule: &Map<String, Value>| rule.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let change = |what: String, kind: ChangeKind| Overwritten { what, kind };
    let added = diff.rules_added.iter().map(|rule| change(id(rule), ChangeKind::Added));
    let changed = diff.rules_modified.iter().map(|rule| change(rule.id.clone(), ChangeKind::Changed));
    let removed = diff.rules_removed.iter().map(|rule| change(id(rule), ChangeKind::Removed));
    let settings = diff.settings_changed.iter().map(|field| change(field.field.clone(), ChangeKind::Changed));
    settings.chain(changed).chain(added).chain(removed).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_the_draft_lacks_is_overwritten() {
        let rule = |id: &str, limit: i64| json!({"id": id, "effect": "deny", "conditions": {">=risk": limit}});
        let source = |rules: Vec<Value>| Source::read(json!(rules)).unwrap();
        let base = source(vec![rule("one", 1), rule("two", 1), rule("gone", 1)]);
        // The live bundle changed `one` and `two`, added `new` and removed `gone`; the draft already has the change to
        // `two`.
        let live = source(vec![rule("one", 2), rule("two", 2), rule("new", 1)]);
        let draft = source(vec![rule("one", 1), rule("two", 2), rule("gone", 1), rule("mine", 1)]);
        let lost: Vec<(String, ChangeKind)> =
            overwritten(Some(&base), &live, &draft).into_iter().map(|lost| (lost.what, lost.kind)).collect();
        assert_eq!(
            lost,
            [
                ("one".to_owned(), ChangeKind::Changed),
                ("new".to_owned(), ChangeKind::Added),
                ("gone".to_owned(), ChangeKind::Removed)
            ]
        );
        assert!(overwritten(Some(&base), &base, &draft).is_empty());
    }
}
