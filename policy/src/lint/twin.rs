//! A rule once more, with one condition changed: the repair of a rule that leaves a case open.

use json_patch::Patch;
use serde_json::{Map, Value, json};

use crate::{
    bundle::{Condition, Rule},
    limits::MAX_REASON_CHARS,
};

/// Length of the longest id.
const MAX_ID: usize = 64;

/// The patch that adds `rule` once more behind itself, with the condition `with` in place of those that are replaced. The id
/// of the new rule ends in `suffix`, and is none that is `taken`.
pub(super) fn twin(
    rule: &Rule,
    is_replaced: impl Fn(&Condition) -> bool,
    with: (&str, Value),
    suffix: &str,
    taken: impl Fn(&str) -> bool,
) -> Option<Patch> {
    let mut conditions: Map<String, Value> =
        rule.conditions.iter().filter(|condition| !is_replaced(condition)).map(Condition::entry).collect();
    if conditions.contains_key(with.0) {
        return None;
    }
    conditions.insert(with.0.to_owned(), with.1);
    let numbered = std::iter::once(suffix.to_owned()).chain((2..).map(|number: u32| format!("{suffix}-{number}")));
    let id = numbered.map(|suffix| {
        let room = MAX_ID.saturating_sub(suffix.len() + 1);
        format!("{}-{suffix}", rule.id.get(..room).unwrap_or(&rule.id))
    });
    let note = format!(" ({suffix})");
    let room = MAX_REASON_CHARS.saturating_sub(note.chars().count());
    let reason: String = rule.reason.chars().take(room).chain(note.chars()).collect();
    let mut value = json!({
        "id": id.into_iter().find(|id| !taken(id))?,
        "agent": rule.agent.to_string(),
        "action": rule.action.to_string(),
        "conditions": conditions,
        "effect": rule.effect,
        "reason": reason,
        "priority": rule.priority,
    });
    if let Some(object) = value.as_object_mut() {
        if let Some(budget) = rule.budget {
            object.insert("budget".to_owned(), json!(budget));
        }
        if let Ok(Value::Object(terms)) = serde_json::to_value(&rule.approval) {
            object.extend(terms);
        }
        if !rule.tags.is_empty() {
            object.insert("tags".to_owned(), json!(rule.tags));
        }
    }
    let patch = json!([{"op": "add", "path": format!("/rules/{}", rule.position + 1), "value": value}]);
    serde_json::from_value(patch).ok()
}
