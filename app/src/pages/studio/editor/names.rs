//! The names offered for completion: those that the schema declares and those that other rules use. Other rules are
//! read from the last checked document rather than at every keystroke.

use std::collections::BTreeSet;

use leptos::prelude::*;
use policy::bundle::schema::Field;

use super::state::EditorState;
use crate::model::{
    RuleKey,
    condition::{ValueKind, split},
    rule,
};

/// Maximum number of names offered; a longer list does not help.
const MOST: usize = 200;

/// The names of agents.
pub fn agents(editor: EditorState) -> Memo<Vec<String>> {
    Memo::new(move |_| {
        let mut names = BTreeSet::from(["*".to_owned()]);
        if let Some(schema) = editor.document.schema().get() {
            names.extend(schema.agents.keys().cloned());
        }
        editor.results.checked().with(|checked| {
            let content = &checked.content;
            names.extend(content.rules().iter().map(|entry| rule::text(&entry.rule, "agent").to_owned()));
        });
        limited(names)
    })
}

/// The names of actions of the rule's agent.
pub fn actions(editor: EditorState, key: RuleKey) -> Memo<Vec<String>> {
    Memo::new(move |_| {
        let agent = agent(editor, key);
        let mut names = BTreeSet::from(["*".to_owned()]);
        if let Some(schema) = editor.document.schema().get() {
            names.extend(schema.agents.get(&agent).into_iter().flat_map(|agent| agent.actions.iter().cloned()));
        }
        editor.results.checked().with(|checked| {
            let content = &checked.content;
            let same = content.rules().iter().filter(|entry| rule::text(&entry.rule, "agent") == agent);
            names.extend(same.map(|entry| rule::text(&entry.rule, "action").to_owned()));
        });
        limited(names)
    })
}

/// The names of fields of the rule's agent.
pub fn fields(editor: EditorState, key: RuleKey) -> Memo<Vec<String>> {
    Memo::new(move |_| {
        let agent = agent(editor, key);
        let mut names = BTreeSet::new();
        if let Some(schema) = editor.document.schema().get() {
            let agents = schema.agents.iter().filter(|(name, _)| agent == "*" || **name == agent);
            names.extend(agents.flat_map(|(_, agent)| agent.fields.keys().cloned()));
        }
        editor.results.checked().with(|checked| {
            let content = &checked.content;
            let same = content.rules().iter().filter(|entry| rule::text(&entry.rule, "agent") == agent);
            let keys = same.flat_map(|entry| rule::conditions(&entry.rule).map(|(key, _)| split(key).1.to_owned()));
            names.extend(keys.take(10 * MOST));
        });
        limited(names)
    })
}

/// The schema's declaration of a field of the rule's agent.
pub fn declared(editor: EditorState, key: RuleKey, field: &str) -> Option<Field> {
    let agent = editor.document.rule(key).map(|rule| rule::text(&rule.0, "agent").to_owned())?;
    editor.document.schema().get()?.agents.get(&agent)?.fields.get(field).cloned()
}

/// The kind of value a field is declared with.
pub fn declared_kind(editor: EditorState, key: RuleKey, field: &str) -> Option<ValueKind> {
    declared(editor, key, field).map(|field| ValueKind::declared(field.kind))
}

fn agent(editor: EditorState, key: RuleKey) -> String {
    editor.document.rule(key).map_or_else(String::new, |rule| rule::text(&rule.0, "agent").to_owned())
}

fn limited(names: BTreeSet<String>) -> Vec<String> {
    names.into_iter().filter(|name| !name.is_empty()).take(MOST).collect()
}
