//! The rows whose agent or action is no name: no rule, schema or default decides them.

use crate::{
    bundle::name::is_name,
    replay::corpus::{Columnar, Role},
};

/// For each code of the agents and of the actions, whether it stands for no name. Both are empty in an ordinary corpus,
/// in which all are names.
#[derive(Debug, Default)]
pub(super) struct InvalidNames {
    agents: Vec<bool>,
    actions: Vec<bool>,
}

impl InvalidNames {
    pub(super) fn of(corpus: &Columnar) -> Self {
        Self { agents: invalid(corpus, Role::Agent), actions: invalid(corpus, Role::Action) }
    }

    /// Whether the agent or the action of a row is no name.
    pub(super) fn concern(&self, corpus: &Columnar, row: usize) -> bool {
        concern(&self.agents, corpus, Role::Agent, row) || concern(&self.actions, corpus, Role::Action, row)
    }
}

fn invalid(corpus: &Columnar, role: Role) -> Vec<bool> {
    let Some(column) = corpus.about(role) else { return Vec::new() };
    let codes = u32::try_from(column.values.codes()).unwrap_or(u32::MAX);
    let invalid: Vec<bool> =
        (0..codes).map(|code| column.values.text(code).is_some_and(|text| !is_name(text))).collect();
    if invalid.contains(&true) { invalid } else { Vec::new() }
}

fn concern(invalid: &[bool], corpus: &Columnar, role: Role, row: usize) -> bool {
    // The column is looked up only in the rare corpus that has something to find.
    !invalid.is_empty()
        && corpus.about(role).is_some_and(|column| invalid.get(column.code(row) as usize) == Some(&true))
}
