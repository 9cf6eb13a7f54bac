//! Finding the deciding rule without evaluating every rule.
//!
//! Rules are grouped by their agent and action patterns, so that a question concerns only a few groups. Inside a group,
//! every field is cut into elementary classes (see [`axis`]). Each class has a row of bits, one per rule in evaluation
//! order, set where the rule's conditions on that field are not false. The first bit that survives the AND of one row
//! per field marks the deciding rule, whose own conditions show whether it matches or errs. Small groups are evaluated
//! in order.
//!
//! ```text
//! word            the word of a bitmap
//! short_strings   maps from short strings to numbers
//! text_pool       many texts in one allocation
//! coded_test      a condition's test in coded form
//! lists           the lists of all conditions; equal lists are stored once
//! fact_source     the values of a question by field number
//! checks          the conditions of all rules in one array
//! thresholds      the thresholds of a field, and the position of a number among them
//! axis            a field cut into elementary classes
//! class_test      a test of the classes of a field
//! row_builder     the rows of one field
//! summary         summaries of long rows
//! matrix          the rows of one run of rules
//! memory_plan     how the rows stay within a memory budget
//! exact_rows      exact rows for a replay
//! pattern_pairs   the group of each pair of an agent pattern and an action pattern
//! ```

pub(crate) mod axis;
pub(crate) mod checks;
mod class_test;
pub(crate) mod coded_test;
pub(crate) mod exact_rows;
pub(crate) mod fact_source;
mod lists;
mod matrix;
mod memory_plan;
mod pattern_pairs;
mod row_builder;
pub(in crate::engine) mod short_strings;
mod summary;
pub(in crate::engine) mod text_pool;
mod thresholds;
pub(crate) mod word;

use std::ops::Range;

use checks::Checks;
use fact_source::{ContextFacts, FactSource};
use matrix::Matrix;
use memory_plan::MemoryPlan;
use pattern_pairs::PatternPairs;
use short_strings::{FastMap, StringMap};

use super::{Question, condition::ConditionResult};
use crate::bundle::{NamePattern, Rule, name};

/// Groups up to this size are evaluated rule by rule.
const LOOP_UP_TO: usize = 10;
/// Bundles up to this size are evaluated rule by rule, without groups.
const FEW: usize = 16;

/// Maximum number of bytes that the rows of one bundle may take. Groups that would need more are split into runs of
/// rules.
const ROWS_BYTES: usize = 24 * 1024 * 1024;

/// An index of rules by agent, action and field values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// Every field that some rule tests.
    fields: Vec<String>,
    checks: Checks,
    groups: Vec<Group>,
    agents: PatternMap,
    actions: PatternMap,
    /// The group of each pair of an agent pattern and an action pattern.
    pairs: PatternPairs,
    /// In a small bundle, the rules of each pattern: one bit per rank, by the pattern's number. Empty in other bundles.
    few_by_agent: Vec<u32>,
    few_by_action: Vec<u32>,
}

/// The pattern that matches every name.
const ANY: u32 = 0;

/// The numbers of the patterns that rules have for agents, or for actions. They are numbered from 1; [`ANY`] stands for
/// `*`.
#[derive(Debug, Clone, Default)]
struct PatternMap {
    exact: StringMap,
    // INVARIANT: the prefixes end in a separator.
    prefixes: StringMap,
}

impl PatternMap {
    /// The highest number of a pattern.
    fn last(&self) -> u32 {
        u32::try_from(self.exact.len() + self.prefixes.len()).unwrap_or(u32::MAX)
    }

    /// The number of `pattern`; a new pattern gets the next number.
    fn intern(&mut self, pattern: &NamePattern) -> u32 {
        let fresh = self.last() + 1;
        match pattern {
            NamePattern::Any => ANY,
            NamePattern::Prefix(prefix) => self.prefixes.number(prefix, fresh),
            NamePattern::Exact(name) => self.exact.number(name, fresh),
        }
    }

    /// The numbers of the patterns that match `name`, except [`ANY`].
    #[inline]
    fn matching<'a>(&'a self, name: &'a str) -> impl Iterator<Item = u32> + Clone + 'a {
        let prefixes = (!self.prefixes.is_empty()).then(|| name::prefixes(name)).into_iter().flatten();
        self.exact.get(name).into_iter().chain(prefixes.filter_map(|prefix| self.prefixes.get(prefix)))
    }
}

/// The rules of one agent pattern and one action pattern.
#[derive(Debug, Clone)]
enum Group {
    /// Rules evaluated in order, as their places among the checks.
    Few(Range<u32>),
    /// Runs in evaluation order, none of them empty.
    Many(Vec<Matrix>),
}

impl Index {
    /// The index of `rules`, which are enabled and in evaluation order.
    pub(super) fn new(rules: &[&Rule]) -> Self {
        Self::within(rules, ROWS_BYTES)
    }

    /// The index of `rules`, with rows that take at most about `bytes`.
    fn within(rules: &[&Rule], bytes: usize) -> Self {
        let mut index = Self::default();
        let mut members: Vec<Vec<u32>> = Vec::new();
        let mut pairs: FastMap<(u32, u32), u32> = FastMap::default();
        for (rank, rule) in (0_u32..).zip(rules) {
            let (agent, action) = (index.agents.intern(&rule.agent), index.actions.intern(&rule.action));
            let fresh = u32::try_from(members.len()).unwrap_or(u32::MAX);
            let group = *pairs.entry((agent, action)).or_insert(fresh);
            if rules.len() <= FEW {
                mark(&mut index.few_by_agent, agent, rank);
                mark(&mut index.few_by_action, action, rank);
            }
            match members.get_mut(group as usize) {
                Some(ranks) => ranks.push(rank),
                None => members.push(vec![rank]),
            }
        }
        index.pairs = PatternPairs::new(pairs, index.agents.last(), index.actions.last());
        let mut numbers = StringMap::default();
        let fields = &mut index.fields;
        index.checks = Checks::new(rules, &members.concat(), |field| {
            let number = numbers.intern(field);
            if numbers.len() > fields.len() {
                fields.push(field.to_owned());
            }
            number
        });
        let mut place = 0;
        for ranks in members {
            let from = place;
            place += u32::try_from(ranks.len()).unwrap_or(u32::MAX);
            let group = if ranks.len() > LOOP_UP_TO {
                index.many(ranks, bytes / rules.len().max(1))
            } else {
                Group::Few(from..place)
            };
            index.groups.push(group);
        }
        index
    }

    /// The group of these rules, with `bytes` of rows per rule.
    fn many(&self, mut ranks: Vec<u32>, bytes: usize) -> Group {
        let MemoryPlan { length, thresholds } = MemoryPlan::new(&self.checks, &ranks, bytes * ranks.len());
        let runs = ranks.chunks_mut(length.max(1)).map(|run| {
            summary::cluster(&self.checks, run);
            Matrix::new(&self.checks, run, thresholds)
        });
        Group::Many(runs.collect())
    }

    /// The rank of the deciding rule, and whether it matches or is in error; `None` when no rule decides.
    pub(super) fn first(&self, question: Question<'_>) -> Option<(u32, ConditionResult)> {
        self.first_by(question.agent, question.action, &ContextFacts::new(&self.fields, question.context))
    }

    /// [`first`](Self::first) for facts from any source, by the numbers of [`Self::fields`].
    pub(crate) fn first_by(
        &self,
        agent: &str,
        action: &str,
        facts: &impl FactSource,
    ) -> Option<(u32, ConditionResult)> {
        if !self.few_by_agent.is_empty() {
            return self.first_of_few(agent, action, facts);
        }
        let mut best: Option<(u32, ConditionResult)> = None;
        for group in self.group_numbers(agent, action).filter_map(|group| self.groups.get(group)) {
            let worse = |rank: u32| best.is_some_and(|(best, _)| rank > best);
            let found = match group {
                Group::Few(places) => {
                    let mut ranks =
                        places.clone().zip(self.checks.ranks(places.clone())).take_while(|(_, rank)| !worse(*rank));
                    ranks.find_map(|(place, rank)| possible(rank, self.checks.evaluate_at(place, facts)))
                }
                Group::Many(runs) => {
                    // Runs are in evaluation order: once one is worse, the group has nothing better.
                    let mut runs = runs.iter().take_while(|run| run.first_rank().is_some_and(|first| !worse(first)));
                    runs.find_map(|run| run.first(&self.checks, facts, |rank| self.candidate(rank, facts)))
                }
            };
            if let Some(found) = found.filter(|(rank, _)| !worse(*rank)) {
                best = Some(found);
            }
        }
        best
    }

    fn first_of_few(&self, agent: &str, action: &str, facts: &impl FactSource) -> Option<(u32, ConditionResult)> {
        let ranks = |few: &[u32], patterns: &PatternMap, name: &str| {
            let of = |pattern: u32| few.get(pattern as usize).copied().unwrap_or(0);
            patterns.matching(name).fold(of(ANY), |all, pattern| all | of(pattern))
        };
        let mut left =
            ranks(&self.few_by_agent, &self.agents, agent) & ranks(&self.few_by_action, &self.actions, action);
        while left != 0 {
            let rank = left.trailing_zeros();
            left &= left - 1;
            if let Some(found) = self.candidate(rank, facts) {
                return Some(found);
            }
        }
        None
    }

    /// Every field that some rule tests.
    pub(crate) fn fields(&self) -> &[String] {
        &self.fields
    }

    /// The conditions of every rule, by its rank.
    pub(crate) fn checks(&self) -> &Checks {
        &self.checks
    }

    /// The ranks of the rules of some groups together, in evaluation order.
    pub(crate) fn ranks(&self, groups: &[usize]) -> Vec<u32> {
        let mut ranks = Vec::new();
        for group in groups.iter().filter_map(|group| self.groups.get(*group)) {
            match group {
                Group::Few(places) => ranks.extend(self.checks.ranks(places.clone())),
                Group::Many(runs) => ranks.extend(runs.iter().flat_map(Matrix::ranks)),
            }
        }
        ranks.sort_unstable();
        ranks
    }

    /// The numbers of the groups whose patterns match.
    #[inline]
    pub(crate) fn group_numbers<'a>(&'a self, agent: &'a str, action: &'a str) -> impl Iterator<Item = usize> {
        let actions = self.actions.matching(action).chain([ANY]);
        let pairs = self
            .agents
            .matching(agent)
            .chain([ANY])
            .flat_map(move |agent| actions.clone().filter_map(move |action| self.pairs.get(agent, action)));
        pairs.map(|group| group as usize)
    }

    /// The rule of this rank with its result, when none of its conditions is false.
    pub(crate) fn candidate(&self, rank: u32, facts: &impl FactSource) -> Option<(u32, ConditionResult)> {
        possible(rank, self.checks.evaluate(rank, facts))
    }
}

fn possible(rank: u32, result: ConditionResult) -> Option<(u32, ConditionResult)> {
    (result != ConditionResult::False).then_some((rank, result))
}

fn mark(few: &mut Vec<u32>, pattern: u32, rank: u32) {
    let at = pattern as usize;
    if few.len() <= at {
        few.resize(at + 1, 0);
    }
    if let Some(ranks) = few.get_mut(at) {
        *ranks |= 1 << rank;
    }
}

#[cfg(test)]
mod tests;
