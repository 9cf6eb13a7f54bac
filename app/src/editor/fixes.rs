//! Applying the linter's repairs (RFC 6902 patches against the bundle document).

use json_patch::{Patch, PatchOperation};
use lifecycle::{bundle::Source, lint::Report};
use serde_json::Value;

use super::{Content, Written, text};

/// Most rounds of *Fix all*: repairs can uncover findings that have repairs of their own.
const ROUNDS: usize = 8;

/// Why a repair was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CannotFix(String);

impl std::fmt::Display for CannotFix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the draft has changed since this was found, or the repair does not fit: {}", self.0)
    }
}

/// `content` with `patch` applied.
///
/// # Errors
/// [`CannotFix`] when it does not fit, e.g. because the document has moved on.
pub fn apply(content: &Content, patch: &Patch) -> Result<Content, CannotFix> {
    let mut next = content.clone();
    if let Some(position) = only_rule(patch) {
        let key = next.key_at(position).ok_or_else(|| CannotFix("there is no such rule".to_owned()))?;
        let rule = next.rule(key).map(|rule| Written::clone(rule)).unwrap_or_default();
        // A document of just this rule, so that a repair of one rule among thousands touches one rule.
        let mut document = serde_json::json!({ "rules": [rule] });
        let patch = moved_to_first(patch, position)?;
        json_patch::patch(&mut document, &patch).map_err(|error| CannotFix(error.to_string()))?;
        match document.pointer_mut("/rules/0").map(Value::take) {
            Some(Value::Object(rule)) => next.edit_rule(key, |slot| *slot = rule),
            _ => return Err(CannotFix("it does not leave a rule".to_owned())),
        };
        return Ok(next);
    }
    let mut document = serde_json::to_value(content.to_source()).map_err(|error| CannotFix(error.to_string()))?;
    json_patch::patch(&mut document, patch).map_err(|error| CannotFix(error.to_string()))?;
    let source = text::source(document).map_err(|error| CannotFix(error.to_string()))?;
    next.replace(source);
    Ok(next)
}

/// All repairs made, again and again until there is nothing left that has one right answer. Returns the document and
/// how many repairs were made.
pub fn apply_all(content: &Content, lint: impl Fn(&Source) -> Report) -> (Content, usize) {
    let mut next = content.clone();
    let mut made = 0;
    for _ in 0..ROUNDS {
        let report = lint(&next.to_source());
        let mut fixes: Vec<(Option<usize>, Patch)> =
            report.all().filter_map(|finding| finding.fix.clone()).map(|fix| (only_rule(&fix), fix)).collect();
        // Repairs that add or remove whole rules shift the ones behind them: they come last, from the end.
        fixes.sort_by_key(|(rule, fix)| (rule.is_none(), std::cmp::Reverse(first_rule(fix))));
        let before = made;
        for (_, fix) in &fixes {
            // A repair that no longer fits was overtaken by another of the same round.
            if let Ok(fixed) = apply(&next, fix)
                && fixed != next
            {
                next = fixed;
                made += 1;
            }
        }
        if made == before {
            break;
        }
    }
    (next, made)
}

fn paths(patch: &Patch) -> impl Iterator<Item = String> + '_ {
    patch.0.iter().flat_map(|operation| {
        let from = match operation {
            PatchOperation::Move(operation) => Some(operation.from.to_string()),
            PatchOperation::Copy(operation) => Some(operation.from.to_string()),
            _ => None,
        };
        [Some(operation.path().to_string()), from].into_iter().flatten()
    })
}

/// The rule a path points *into* (not at).
fn inside_rule(path: &str) -> Option<usize> {
    path.strip_prefix("/rules/")?.split_once('/')?.0.parse().ok()
}

/// The one rule that `patch` stays inside of, if there is one.
fn only_rule(patch: &Patch) -> Option<usize> {
    let mut all = paths(patch).map(|path| inside_rule(&path));
    let first = all.next()??;
    all.all(|rule| rule == Some(first)).then_some(first)
}

/// The first rule `patch` speaks of.
fn first_rule(patch: &Patch) -> Option<usize> {
    paths(patch).filter_map(|path| path.strip_prefix("/rules/")?.split('/').next()?.parse().ok()).min()
}

/// `patch` for a document in which rule `position` is the only one.
fn moved_to_first(patch: &Patch, position: usize) -> Result<Patch, CannotFix> {
    let wrong = |error: serde_json::Error| CannotFix(error.to_string());
    let mut value = serde_json::to_value(patch).map_err(wrong)?;
    let prefix = format!("/rules/{position}/");
    for operation in value.as_array_mut().into_iter().flatten() {
        for member in ["path", "from"] {
            if let Some(Value::String(path)) = operation.get_mut(member)
                && let Some(rest) = path.strip_prefix(&prefix)
            {
                *path = format!("/rules/0/{rest}");
            }
        }
    }
    serde_json::from_value(value).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use lifecycle::lint::{Code, Finding};
    use serde_json::json;

    use super::*;
    use crate::editor::Key;

    fn patch(value: Value) -> Patch {
        serde_json::from_value(value).unwrap()
    }

    fn content() -> Content {
        let rule =
            |id: &str, conditions: Value| json!({"id": id, "conditions": conditions}).as_object().unwrap().clone();
        Content::new(Source {
            rules: vec![rule("aaa", json!({})), rule("bbb", json!({"risk>=": 5, "day": "a|b"}))],
            ..Source::default()
        })
    }

    #[test]
    fn a_repair_inside_a_rule_touches_that_rule_only() {
        let before = content();
        let fix = patch(json!([{"op":"move","from":"/rules/1/conditions/risk>=","path":"/rules/1/conditions/>=risk"}]));
        let after = apply(&before, &fix).unwrap();
        assert_eq!(after.rules()[1].rule["conditions"], json!({">=risk": 5, "day": "a|b"}));
        assert_eq!(after.rules()[1].key, Key(1));
        assert!(std::sync::Arc::ptr_eq(&before.rules()[0].rule, &after.rules()[0].rule));
        assert!(apply(&after, &fix).is_err());
    }

    #[test]
    fn a_repair_of_the_document_keeps_the_other_keys() {
        let after = apply(&content(), &patch(json!([{"op":"remove","path":"/rules/0"}]))).unwrap();
        assert_eq!((after.rules().len(), after.rules()[0].key), (1, Key(1)));
        let after = apply(&content(), &patch(json!([{"op":"replace","path":"/notes","value":"x"}]))).unwrap();
        assert_eq!(after.head().notes, "x");
    }

    #[test]
    fn fix_all_goes_on_until_nothing_is_left() {
        // A linter that finds one thing at a time: first the operator, then the list.
        let lint = |source: &Source| {
            let conditions = source.rules[1]["conditions"].as_object().unwrap().clone();
            let fix = if conditions.contains_key("risk>=") {
                json!([{"op":"move","from":"/rules/1/conditions/risk>=","path":"/rules/1/conditions/>=risk"}])
            } else if conditions["day"].is_string() {
                json!([{"op":"replace","path":"/rules/1/conditions/day","value":["a","b"]}])
            } else {
                return Report::new(Vec::new(), 2);
            };
            let finding = Finding {
                code: Code::BadOperator,
                severity: Code::BadOperator.severity(),
                rule_id: None,
                path: "/rules/1".into(),
                message: String::new(),
                suggestion: None,
                fix: Some(patch(fix)),
                witness: None,
            };
            Report::new(vec![finding], 2)
        };
        let (fixed, made) = apply_all(&content(), lint);
        assert_eq!(made, 2);
        assert_eq!(fixed.rules()[1].rule["conditions"], json!({">=risk": 5, "day": ["a", "b"]}));
    }
}
