//! Finding the rule that decides without trying them all.
//!
//! Rules are grouped by what they say of agent and action (exactly this, a prefix, anything), so that a question meets
//! only the few groups that can hold an answer. Inside a group every field is cut into elementary classes (see
//! [`axis`]); each class has a row of bits, one a rule in evaluation order, set where the rule's conditions on that
//! field are not false. The first bit that survives the AND of one row a field is the rule that decides: it matches or
//! it is in error, and its own conditions say which. Groups of a few rules are simply tried in order.

pub(crate) mod axis;
pub(crate) mod facts;
pub(crate) mod matrix;
mod summary;

use std::collections::HashMap;

use facts::{Facts, Tree};
use matrix::Matrix;

use super::{Question, condition::judge, trace::ConditionResult};
use crate::bundle::{ActionPattern, AgentPattern, Rule};

/// Groups up to this size are tried rule by rule.
const LOOP_UP_TO: usize = 16;

/// Memory that the rows of one bundle may take, in bytes. Groups that would need more are cut into runs of rules.
const ROWS_BYTES: usize = 48 * 1024 * 1024;

/// Where to look for the rule that decides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// Every field some rule looks at.
    fields: Vec<String>,
    /// For every rule, the fields of its conditions, in the order of the conditions.
    rule_fields: Vec<Vec<u32>>,
    groups: Vec<Group>,
    any_agent: ByAction,
    // INVARIANT: keys end in a dot.
    agent_prefix: HashMap<String, ByAction>,
    exact_agent: HashMap<String, ByAction>,
}

/// Positions in [`Index::groups`].
#[derive(Debug, Clone, Default)]
struct ByAction {
    any: Option<usize>,
    exact: HashMap<String, usize>,
}

/// The rules of one agent pattern and one action pattern.
#[derive(Debug, Clone)]
struct Group {
    // INVARIANT: in evaluation order, none empty.
    runs: Vec<Run>,
}

#[derive(Debug, Clone)]
enum Run {
    Loop(Vec<u32>),
    Rows(Matrix),
}

impl Run {
    fn first_rank(&self) -> Option<u32> {
        match self {
            Self::Loop(ranks) => ranks.first().copied(),
            Self::Rows(matrix) => matrix.first_rank(),
        }
    }
}

impl Index {
    /// The index of `rules`, which are enabled and in evaluation order.
    pub(super) fn new(rules: &[Rule]) -> Self {
        Self::within(rules, ROWS_BYTES)
    }

    /// The same with rows that take at most about `bytes`.
    fn within(rules: &[Rule], bytes: usize) -> Self {
        let mut index = Self::default();
        let mut field_ids: HashMap<&str, u32> = HashMap::new();
        let mut members: Vec<Vec<u32>> = Vec::new();
        for (rank, rule) in (0_u32..).zip(rules) {
            let ids = rule.conditions.iter().map(|condition| {
                *field_ids.entry(&condition.field).or_insert_with(|| {
                    index.fields.push(condition.field.clone());
                    u32::try_from(index.fields.len() - 1).unwrap_or(u32::MAX)
                })
            });
            index.rule_fields.push(ids.collect());
            let actions = match &rule.agent {
                AgentPattern::Any => &mut index.any_agent,
                AgentPattern::Prefix(prefix) => index.agent_prefix.entry(prefix.clone()).or_default(),
                AgentPattern::Exact(name) => index.exact_agent.entry(name.clone()).or_default(),
            };
            let fresh = members.len();
            let group = match &rule.action {
                ActionPattern::Any => *actions.any.get_or_insert(fresh),
                ActionPattern::Exact(name) => *actions.exact.entry(name.clone()).or_insert(fresh),
            };
            match members.get_mut(group) {
                Some(ranks) => ranks.push(rank),
                None => members.push(vec![rank]),
            }
        }
        index.groups = members.into_iter().map(|ranks| index.group(rules, ranks, bytes)).collect();
        index
    }

    fn group(&self, rules: &[Rule], ranks: Vec<u32>, bytes: usize) -> Group {
        if ranks.len() <= LOOP_UP_TO {
            return Group { runs: vec![Run::Loop(ranks)] };
        }
        let share = bytes / rules.len().max(1) * ranks.len();
        let size = matrix::run_length(rules, &ranks, share);
        let runs = ranks.chunks(size.max(1)).map(|run| Run::Rows(Matrix::new(rules, &self.rule_fields, run)));
        Group { runs: runs.collect() }
    }

    /// The rank of the rule that decides, and whether it matches or is in error; none when no rule does.
    pub(super) fn first(&self, rules: &[Rule], question: Question<'_>) -> Option<(u32, ConditionResult)> {
        self.first_by(rules, question.agent, question.action, &Tree::new(&self.fields, question.context))
    }

    /// The same for facts that come otherwise than as a tree, by the numbers of [`Self::fields`].
    pub(crate) fn first_by(
        &self,
        rules: &[Rule],
        agent: &str,
        action: &str,
        facts: &impl Facts,
    ) -> Option<(u32, ConditionResult)> {
        let mut best: Option<(u32, ConditionResult)> = None;
        for group in self.group_numbers(agent, action).filter_map(|group| self.groups.get(group)) {
            for run in &group.runs {
                // Runs are in evaluation order: from here on this group has nothing better.
                if best.is_some_and(|(rank, _)| run.first_rank().is_none_or(|first| first > rank)) {
                    break;
                }
                let found = match run {
                    Run::Loop(ranks) => ranks.iter().find_map(|rank| self.candidate(rules, *rank, facts)),
                    Run::Rows(matrix) => matrix.first(facts).and_then(|rank| self.candidate(rules, rank, facts)),
                };
                if let Some(found) = found {
                    if best.is_none_or(|(rank, _)| found.0 < rank) {
                        best = Some(found);
                    }
                    break;
                }
            }
        }
        best
    }

    /// Every field some rule looks at.
    pub(crate) fn fields(&self) -> &[String] {
        &self.fields
    }

    /// For every rule, the fields of its conditions, in the order of the conditions.
    pub(crate) fn rule_fields(&self) -> &[Vec<u32>] {
        &self.rule_fields
    }

    /// The ranks of the rules of some groups together, in evaluation order.
    pub(crate) fn ranks(&self, groups: &[usize]) -> Vec<u32> {
        let runs = groups.iter().filter_map(|group| self.groups.get(*group)).flat_map(|group| &group.runs);
        let mut ranks: Vec<u32> = runs
            .flat_map(|run| match run {
                Run::Loop(ranks) => ranks.as_slice(),
                Run::Rows(matrix) => matrix.ranks(),
            })
            .copied()
            .collect();
        ranks.sort_unstable();
        ranks
    }

    /// The groups whose patterns fit, by number.
    pub(crate) fn group_numbers<'a>(&'a self, agent: &'a str, action: &'a str) -> impl Iterator<Item = usize> {
        // A prefix needs something behind its dot, as `AgentPattern::matches` has it.
        let dots = agent.match_indices('.').filter(|(dot, _)| !self.agent_prefix.is_empty() && dot + 1 < agent.len());
        let prefixes = dots.filter_map(|(dot, _)| self.agent_prefix.get(agent.get(..=dot)?));
        self.exact_agent
            .get(agent)
            .into_iter()
            .chain(prefixes)
            .chain([&self.any_agent])
            .flat_map(|actions| actions.exact.get(action).copied().into_iter().chain(actions.any))
    }

    /// The rule's own conditions: false as soon as one is false, else in error when one is, else true.
    pub(crate) fn candidate(&self, rules: &[Rule], rank: u32, facts: &impl Facts) -> Option<(u32, ConditionResult)> {
        let at = usize::try_from(rank).ok()?;
        let (rule, fields) = (rules.get(at)?, self.rule_fields.get(at)?);
        let mut result = ConditionResult::True;
        for (condition, field) in rule.conditions.iter().zip(fields) {
            match judge(&condition.test, facts.fact(*field)) {
                ConditionResult::False => return None,
                ConditionResult::Error => result = ConditionResult::Error,
                ConditionResult::True => {}
            }
        }
        Some((rank, result))
    }
}

#[cfg(test)]
mod tests;
