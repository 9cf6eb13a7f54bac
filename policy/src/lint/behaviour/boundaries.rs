//! Prefixes that end in the middle of a part, and texts that are easily evaded.

use json_patch::Patch;
use serde_json::{Value, json};

use super::search::Search;
use crate::{
    bundle::{Condition, Effect, Rule, Scalar, Test},
    json::{clip, escape},
    lint::{
        Code, Finding,
        prefix::{self, Shape, Slip},
    },
};

/// Maximum number of values of one list that are tried.
const MAX_TRIED: usize = 16;

/// A prefix that ends in the middle of a host or path, or a text that is easily evaded.
pub(super) fn prefix_boundary(search: &mut Search<'_>, rule: &Rule) -> Vec<Finding> {
    let mut findings = Vec::new();
    for condition in &rule.conditions {
        let finding = match &condition.test {
            Test::StartsWith(text) if rule.effect == Effect::Allow => goes_on(search, rule, condition, text),
            Test::StartsWith(text) => evaded(search, rule, condition, text),
            Test::In(list) if rule.effect != Effect::Allow => blank_around(search, rule, condition, list),
            _ => None,
        };
        findings.extend(finding);
    }
    findings
}

/// A prefix that an allow takes beyond what it is meant for.
fn goes_on(search: &mut Search<'_>, rule: &Rule, condition: &Condition, text: &str) -> Option<Finding> {
    let shape = prefix::shape(text)?;
    let beyond = prefix::beyond(text, shape)?;
    let (input, answer) = search.answer_with(rule, &condition.field, json!(beyond))?;
    if answer.matched_rule.as_deref() != Some(rule.id.as_str()) {
        return None;
    }
    let message = format!(
        "`{condition}` does not end where a part of {} ends, so `{}` also takes `{}`.",
        shape.words(),
        rule.id,
        clip(&beyond)
    );
    let key = &condition.key;
    let (suggestion, fix) = match prefix::closed(text, shape) {
        Some(closed) => {
            (format!("Write `{closed}`."), Some(json!([{"op": "replace", "path": path(rule, key), "value": closed}])))
        }
        None if shape == Shape::Url => ("Write the whole host, and a `/` behind it.".to_owned(), None),
        None => {
            let whole = text.trim_end_matches('.');
            let is_free = rule.conditions.iter().all(|other| other.key != condition.field);
            let fix = json!([{"op": "remove", "path": path(rule, key)},
                {"op": "add", "path": path(rule, &condition.field), "value": whole}]);
            (format!("Compare the whole text: `\"{}\": \"{whole}\"`.", condition.field), is_free.then_some(fix))
        }
    };
    let finding = Search::finding(rule, Code::PrefixBoundary, condition, message, &input);
    Some(finding.suggest(suggestion).fix_if(fix.and_then(patch)))
}

/// A prefix that a deny, an approval or a guardrail does not see in another spelling.
fn evaded(search: &mut Search<'_>, rule: &Rule, condition: &Condition, text: &str) -> Option<Finding> {
    for evasion in prefix::evasions(text) {
        let (input, answer) = search.answer_with(rule, &condition.field, json!(evasion.text))?;
        if answer.effect <= rule.effect {
            continue;
        }
        let message = format!(
            "`{condition}` is evaded by {}: \"{}\" is answered {}.",
            evasion.by,
            clip(&evasion.text),
            answer.effect
        );
        let (suggestion, fix) = match evasion.slip {
            Slip::Blank => (
                "Add the same rule for texts that start with a blank, or better: allow only what is known to be good.",
                search.twin(rule, condition, &condition.key, json!(" "), "blank"),
            ),
            Slip::Bare => (
                "Remove the blank in front.",
                patch(json!([{"op": "replace", "path": path(rule, &condition.key), "value": text.trim_start()}])),
            ),
            Slip::Case => {
                ("Let the caller send the text in small letters, or better: allow only what is known to be good.", None)
            }
        };
        let finding = Search::finding(rule, Code::PrefixBoundary, condition, message, &input);
        return Some(finding.suggest(suggestion).fix_if(fix));
    }
    None
}

/// A value with a blank before or behind it, which the same text without the blank evades.
fn blank_around(search: &mut Search<'_>, rule: &Rule, condition: &Condition, list: &[Scalar]) -> Option<Finding> {
    let padded = list.iter().enumerate().filter_map(|(index, value)| match value {
        Scalar::String(text) if text.trim().len() < text.len() && !text.trim().is_empty() => Some((index, text)),
        _ => None,
    });
    for (index, text) in padded.take(MAX_TRIED) {
        let bare = text.trim();
        let (input, answer) = search.answer_with(rule, &condition.field, json!(bare))?;
        if answer.effect <= rule.effect {
            continue;
        }
        let message = format!(
            "The value \"{}\" has a blank before or behind it, and is evaded without: \"{}\" is answered {}.",
            clip(text),
            clip(bare),
            answer.effect
        );
        let mut cleaned = list.to_vec();
        if let Some(value) = cleaned.get_mut(index) {
            *value = Scalar::String(bare.to_owned());
        }
        let (_, value) = Condition { test: Test::In(cleaned), ..condition.clone() }.entry();
        let finding = Search::finding(rule, Code::PrefixBoundary, condition, message, &input);
        let fix = json!([{"op": "replace", "path": path(rule, &condition.key), "value": value}]);
        return Some(finding.suggest(format!("Write \"{}\".", clip(bare))).fix_if(patch(fix)));
    }
    None
}

fn path(rule: &Rule, key: &str) -> String {
    format!("/rules/{}/conditions/{}", rule.position, escape(key))
}

fn patch(operations: Value) -> Option<Patch> {
    serde_json::from_value(operations).ok()
}
