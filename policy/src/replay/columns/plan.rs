//! The rules to evaluate for a row, computed once for every agent and action of the corpus.

use std::collections::HashMap;

use super::view::{Field, View};
use crate::{
    engine::{
        Fact, Prepared,
        compiled::{
            coded_test::CodedTest,
            exact_rows::{ExactColumn, exact_columns},
            fact_source::FactSource,
            word::WORD,
        },
        schema::admits_fact,
    },
    replay::corpus::{Columnar, Role},
};

/// Maximum number of bytes that the rows of all agents and actions may take together. Rule sets that no longer fit are
/// evaluated through the index, as single decisions are.
const ROWS_BYTES: usize = 96 * 1024 * 1024;

/// A bundle prepared for a corpus.
#[derive(Debug)]
pub(super) struct Plan {
    /// The fields, by their number in the index.
    pub(super) fields: Vec<Field>,
    pub(super) rule_sets: Vec<RuleSet>,
    /// The position in `rule_sets`, by the codes of an agent and an action.
    pairs: Pairs,
    /// The declared fields of an enforced schema, by the agent's code.
    declared: Vec<Vec<Declared>>,
}

/// The rules that address an agent and an action.
#[derive(Debug)]
pub(super) enum RuleSet {
    /// Evaluated as rows of bits.
    Rows(Rows),
    /// Evaluated through the index, as single decisions are.
    Index,
}

/// Rules in evaluation order, with a row of bits per class of each field they test.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) ranks: Vec<u32>,
    pub(super) words: usize,
    pub(super) columns: Vec<ExactColumn>,
}

/// A declared field: for every code of its columns, whether the schema refuses that code (1).
#[derive(Debug)]
struct Declared {
    view: View,
    tables: Vec<Vec<u32>>,
    missing: u32,
}

/// A map from pairs of codes to numbers.
#[derive(Debug)]
struct Pairs {
    actions: usize,
    /// The numbers by agent and action, [`Self::NONE`] where a pair has none. Empty when there are too many pairs for a
    /// table.
    table: Vec<u32>,
    rest: HashMap<(u32, u32), u32>,
}

impl Pairs {
    const NONE: u32 = u32::MAX;
    const MOST: usize = 1 << 20;

    fn new(corpus: &Columnar) -> Self {
        let codes = |role| corpus.about(role).map_or(0, |column| column.values.codes());
        let (agents, actions) = (codes(Role::Agent), codes(Role::Action));
        let size = agents.saturating_mul(actions);
        let table = if size <= Self::MOST { vec![Self::NONE; size] } else { Vec::new() };
        Self { actions, table, rest: HashMap::new() }
    }

    fn get(&self, (agent, action): (u32, u32)) -> Option<u32> {
        if self.table.is_empty() {
            return self.rest.get(&(agent, action)).copied();
        }
        self.table.get(agent as usize * self.actions + action as usize).copied().filter(|number| *number != Self::NONE)
    }

    fn set(&mut self, (agent, action): (u32, u32), number: u32) {
        match self.table.get_mut(agent as usize * self.actions + action as usize) {
            Some(slot) => *slot = number,
            None => drop(self.rest.insert((agent, action), number)),
        }
    }
}

impl Plan {
    pub(super) fn new(prepared: &Prepared, corpus: &Columnar) -> Self {
        let index = prepared.index();
        let checks = index.checks();
        let mut tests: Vec<Vec<CodedTest<'_>>> = vec![Vec::new(); index.fields().len()];
        for (rank, _) in (0_u32..).zip(prepared.rules()) {
            for (field, test) in checks.tests(rank) {
                if let Some(list) = tests.get_mut(field as usize) {
                    list.push(test);
                }
            }
        }
        let fields = (0_u32..)
            .zip(index.fields())
            .zip(tests)
            .map(|((field, path), tests)| Field::new(corpus, path, tests.into_iter(), |text| checks.text(field, text)));
        let fields: Vec<Field> = fields.collect();
        let mut plan = Self { fields, rule_sets: Vec::new(), pairs: Pairs::new(corpus), declared: Vec::new() };
        plan.plan_pairs(prepared, corpus);
        plan.declare(prepared, corpus);
        plan
    }

    fn plan_pairs(&mut self, prepared: &Prepared, corpus: &Columnar) {
        let (Some(agents), Some(actions)) = (corpus.about(Role::Agent), corpus.about(Role::Action)) else { return };
        let mut known: HashMap<Vec<usize>, u32> = HashMap::new();
        let mut left = ROWS_BYTES;
        for row in 0..corpus.len() {
            let codes = (agents.code(row), actions.code(row));
            if self.pairs.get(codes).is_some() {
                continue;
            }
            let (agent, action) = (corpus.agent(row), corpus.action(row));
            let groups: Vec<usize> = prepared.index().group_numbers(agent, action).collect();
            let fresh = u32::try_from(self.rule_sets.len()).unwrap_or(u32::MAX);
            let number = *known.entry(groups).or_insert_with_key(|groups| {
                let rows = self.rows(prepared, prepared.index().ranks(groups), &mut left);
                self.rule_sets.push(rows.map_or(RuleSet::Index, RuleSet::Rows));
                fresh
            });
            self.pairs.set(codes, number);
        }
    }

    fn rows(&self, prepared: &Prepared, ranks: Vec<u32>, left: &mut usize) -> Option<Rows> {
        let axis = |field: u32| self.fields.get(field as usize).map(|field| &field.axis);
        let columns = exact_columns(prepared.index().checks(), &ranks, axis, left)?;
        Some(Rows { words: ranks.len().div_ceil(WORD), ranks, columns })
    }

    fn declare(&mut self, prepared: &Prepared, corpus: &Columnar) {
        let Some(schema) = prepared.schema().filter(|schema| schema.enforce) else { return };
        let Some(agents) = corpus.about(Role::Agent) else { return };
        for code in 0..agents.values.codes() {
            let code = u32::try_from(code).unwrap_or_default();
            let declared = agents.values.text(code).and_then(|agent| schema.agents.get(agent));
            let fields = declared.iter().flat_map(|declared| &declared.fields).map(|(path, field)| {
                let view = View::new(corpus, path);
                let refused = |fact: Fact<'_>| u32::from(!admits_fact(field, fact));
                Declared { tables: view.tables(corpus, refused), missing: refused(Fact::Missing), view }
            });
            self.declared.push(fields.collect());
        }
    }

    /// The rules that address an agent and an action, both given by their codes.
    pub(super) fn rule_set(&self, agent: u32, action: u32) -> &RuleSet {
        self.pairs
            .get((agent, action))
            .and_then(|number| self.rule_sets.get(number as usize))
            .unwrap_or(&RuleSet::Index)
    }

    /// Whether an enforced schema refuses a row.
    pub(super) fn refuses(&self, corpus: &Columnar, agent: u32, row: usize) -> bool {
        let declared = self.declared.get(agent as usize).map(Vec::as_slice).unwrap_or_default();
        declared.iter().any(|field| field.view.table_at(corpus, &field.tables, row, field.missing) == 1)
    }
}

/// One row, as input for the conditions of a rule.
pub(super) struct RowFacts<'a> {
    pub(super) plan: &'a Plan,
    pub(super) corpus: &'a Columnar,
    pub(super) row: usize,
}

impl FactSource for RowFacts<'_> {
    fn fact(&self, field: u32) -> Fact<'_> {
        let field = self.plan.fields.get(field as usize);
        field.map_or(Fact::Missing, |field| field.view.fact(self.corpus, self.row))
    }
}
