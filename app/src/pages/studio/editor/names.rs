//! What fields are completed from: what the schema declares, and what other rules use. Other rules are read from the
//! last checked document rather than at every keystroke.

use std::collections::BTreeSet;

use leptos::prelude::*;
use policy::bundle::schema::Field;

use super::state::EditorState;
use crate::model::{
    Key,
    condition::{Kind, split},
    rule,
};

/// Most names offered; a longer list helps nobody.
const MOST: usize = 200;

/// Agents.
pub fn agents(desk: EditorState) -> Memo<Vec<String>> {
    Memo::new(move |_| {
        let mut names = BTreeSet::from(["*".to_owned()]);
        if let Some(schema) = desk.schema.get() {
            names.extend(schema.agents.keys().cloned());
        }
        desk.checked.with(|checked| {
            let content = &checked.content;
            names.extend(content.rules().iter().map(|entry| rule::text(&entry.rule, "agent").to_owned()));
        });
        limited(names)
    })
}

/// Actions of the rule's agent.
pub fn actions(desk: EditorState, key: Key) -> Memo<Vec<String>> {
    Memo::new(move |_| {
        let agent = agent(desk, key);
        let mut names = BTreeSet::from(["*".to_owned()]);
        if let Some(schema) = desk.schema.get() {
            names.extend(schema.agents.get(&agent).into_iter().flat_map(|agent| agent.actions.iter().cloned()));
        }
        desk.checked.with(|checked| {
            let content = &checked.content;
            let same = content.rules().iter().filter(|entry| rule::text(&entry.rule, "agent") == agent);
            names.extend(same.map(|entry| rule::text(&entry.rule, "action").to_owned()));
        });
        limited(names)
    })
}

/// Fields of the rule's agent.
pub fn fields(desk: EditorState, key: Key) -> Memo<Vec<String>> {
    Memo::new(move |_| {
        let agent = agent(desk, key);
        let mut names = BTreeSet::new();
        if let Some(schema) = desk.schema.get() {
            let agents = schema.agents.iter().filter(|(name, _)| agent == "*" || **name == agent);
            names.extend(agents.flat_map(|(_, agent)| agent.fields.keys().cloned()));
        }
        desk.checked.with(|checked| {
            let content = &checked.content;
            let same = content.rules().iter().filter(|entry| rule::text(&entry.rule, "agent") == agent);
            let keys = same.flat_map(|entry| rule::conditions(&entry.rule).map(|(key, _)| split(key).1.to_owned()));
            names.extend(keys.take(10 * MOST));
        });
        limited(names)
    })
}

/// What the schema declares about a field of the rule's agent.
pub fn declared(desk: EditorState, key: Key, field: &str) -> Option<Field> {
    let agent = desk.rule(key).map(|rule| rule::text(&rule.0, "agent").to_owned())?;
    desk.schema.get()?.agents.get(&agent)?.fields.get(field).cloned()
}

/// The kind of value a field is declared with.
pub fn declared_kind(desk: EditorState, key: Key, field: &str) -> Option<Kind> {
    declared(desk, key, field).map(|field| Kind::declared(field.kind))
}

fn agent(desk: EditorState, key: Key) -> String {
    desk.rule(key).map_or_else(String::new, |rule| rule::text(&rule.0, "agent").to_owned())
}

fn limited(names: BTreeSet<String>) -> Vec<String> {
    names.into_iter().filter(|name| !name.is_empty()).take(MOST).collect()
}
