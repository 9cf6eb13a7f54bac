//! The agent, action and fields that the map is drawn for: the person's choices, completed by what matters in the
//! draft.

use std::collections::BTreeMap;

use leptos::prelude::*;
use policy::analysis::map;
use serde_json::Value;

use crate::{
    components::condition_words,
    model::rule,
    pages::studio::editor::state::{EditorState, parsed_draft::ParsedDraft},
};

/// Maximum number of agents and actions offered.
const MAX_SCOPES: usize = 300;

/// The person's choices.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choice {
    /// Agent and action.
    pub scope: Option<(String, String)>,
    /// The field from left to right.
    pub x: Option<String>,
    /// The field from bottom to top.
    pub y: Option<String>,
    /// Values of the other fields as typed; an empty text stands for an absent field.
    pub held: BTreeMap<String, String>,
}

/// The axes of the map: every choice completed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axes {
    /// The agents and actions that can be chosen.
    pub scopes: Vec<(String, String)>,
    /// Agent and action.
    pub scope: (String, String),
    /// The fields that can be chosen.
    pub fields: Vec<String>,
    /// The field from left to right.
    pub x: String,
    /// The field from bottom to top.
    pub y: String,
}

/// A place in the policy that is worth a look.
#[derive(Debug)]
pub struct Hint {
    agent: String,
    action: String,
    fields: Vec<String>,
}

/// Places to look at first: the rule in the form, then the changes against stable. Without a hint the map shows what
/// most rules are about.
pub fn hints(editor: EditorState) -> Vec<Hint> {
    let mut hints = Vec::new();
    let selected = editor.selection.selected().get_untracked();
    if let Some(rule) = selected.and_then(|key| editor.document.rule(key)) {
        let fields = rule::conditions(&rule.0).map(|(key, _)| condition_words(key, &Value::Null).field).collect();
        let (agent, action) = (rule::text(&rule.0, "agent").to_owned(), rule::text(&rule.0, "action").to_owned());
        hints.push(Hint { agent, action, fields });
    }
    editor.results.diff().with_untracked(|diff| {
        for region in diff.iter().flat_map(|diff| &diff.regions) {
            let fields: Vec<String> = region.conditions.iter().map(|phrase| phrase.field.clone()).collect();
            let scopes = region.scopes.iter().filter(|scope| !scope.any_other_agent && !scope.any_other_action);
            hints.extend(scopes.map(|scope| Hint {
                agent: scope.agent.clone(),
                action: scope.action.clone(),
                fields: fields.clone(),
            }));
        }
    });
    hints
}

/// Completes what the person chose. None when no agent and action has two fields to draw.
pub fn complete(draft: &ParsedDraft, choice: &Choice, hints: Vec<Hint>) -> Option<Axes> {
    let scopes: Vec<(String, String)> = map::scopes(&draft.bundle).into_iter().take(MAX_SCOPES).collect();
    let has_two_fields = |(agent, action): &&(String, String)| map::fields(&draft.bundle, agent, action).len() >= 2;
    let chosen = choice.scope.as_ref().filter(|scope| scopes.contains(scope));
    let hinted = || {
        hints.iter().find_map(|hint| {
            scopes.iter().find(|one| one.0 == hint.agent && one.1 == hint.action).filter(has_two_fields)
        })
    };
    let busiest = || {
        let rules = |one: &(String, String)| {
            draft
                .bundle
                .rules
                .iter()
                .filter(|rule| rule.enabled && rule.agent.matches(&one.0) && rule.action.matches(&one.1))
                .count()
        };
        // `max_by_key` takes the last of equals; reversed, that is the first, and names come before wildcards.
        scopes.iter().filter(has_two_fields).rev().max_by_key(|one| rules(one))
    };
    let scope = chosen.or_else(hinted).or_else(busiest)?.clone();
    let mut fields = map::fields(&draft.bundle, &scope.0, &scope.1);
    // Fields in which something changes come first.
    let hint = hints.into_iter().find(|hint| hint.agent == scope.0 && hint.action == scope.1);
    let wanted = hint.map(|hint| hint.fields).unwrap_or_default();
    fields.sort_by_key(|field| !wanted.contains(field));
    let pick = |wanted: &Option<String>, not: Option<&String>| {
        let chosen = wanted.clone().filter(|field| fields.contains(field) && Some(field) != not);
        chosen.or_else(|| fields.iter().find(|field| Some(*field) != not).cloned())
    };
    let x = pick(&choice.x, choice.y.as_ref().filter(|_| choice.x.is_none()))?;
    let y = pick(&choice.y, Some(&x))?;
    Some(Axes { scopes, scope, x, y, fields })
}
