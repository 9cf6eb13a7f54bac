//! The rules of a prepared bundle, stored compactly.
//!
//! The index decides; everything else about a rule is read only for the words of an answer. So texts that many rules
//! share are stored once, conditions are read from the index, and a whole [`Rule`] is rebuilt on demand.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use super::{
    Question,
    compiled::{
        Index,
        text_pool::{Interner, TextPool},
    },
};
use crate::bundle::{ActionPattern, AgentPattern, ApprovalTerms, Budget, Condition, Effect, Rule};

/// All data of the rules except their conditions, by rank.
#[derive(Debug, Clone, Default)]
pub(super) struct RuleTable {
    rows: Vec<RuleRow>,
    ids: TextPool,
    reasons: TextPool,
    agents: Vec<AgentPattern>,
    actions: Vec<ActionPattern>,
    budgets: Vec<Option<Budget>>,
    tags: Vec<BTreeSet<String>>,
}

/// A rule; large or shared parts are referred to by number.
#[derive(Debug, Clone, Copy)]
struct RuleRow {
    position: usize,
    agent: u32,
    action: u32,
    reason: u32,
    budget: u32,
    tags: u32,
    priority: u16,
    effect: Effect,
}

impl RuleTable {
    /// The table of enabled `rules`, which are in evaluation order.
    pub(super) fn new(rules: &[&Rule]) -> Self {
        let mut table = Self::default();
        table.rows.reserve_exact(rules.len());
        let mut reasons = Interner::default();
        let (mut agents, mut actions) = (HashMap::new(), HashMap::new());
        let (mut budgets, mut tags) = (HashMap::new(), HashMap::new());
        for rule in rules {
            table.ids.push(&rule.id);
            let budget = rule.budget.map(|of| (of.cost.map(f64::to_bits), of.compute.map(f64::to_bits), of.risk));
            let row = RuleRow {
                position: rule.position,
                agent: number(&mut agents, &mut table.agents, &rule.agent, |agent| (*agent).clone()),
                action: number(&mut actions, &mut table.actions, &rule.action, |action| (*action).clone()),
                reason: reasons.intern(&rule.reason),
                budget: number(&mut budgets, &mut table.budgets, budget, |_| rule.budget),
                tags: number(&mut tags, &mut table.tags, &rule.tags, |tags| (*tags).clone()),
                priority: rule.priority,
                effect: rule.effect,
            };
            table.rows.push(row);
        }
        table.ids.shrink();
        table.reasons = reasons.into_texts();
        table
    }
}

/// The number of `value` in a list of distinct values; a new value is appended.
fn number<V: std::hash::Hash + Eq, T>(
    numbers: &mut HashMap<V, u32>,
    list: &mut Vec<T>,
    value: V,
    to_owned: impl FnOnce(&V) -> T,
) -> u32 {
    if let Some(number) = numbers.get(&value) {
        return *number;
    }
    let number = u32::try_from(list.len()).unwrap_or(u32::MAX);
    list.push(to_owned(&value));
    numbers.insert(value, number);
    number
}

/// A rule of a prepared bundle, by reference. [`Self::to_rule`] rebuilds the whole rule.
#[derive(Clone, Copy)]
pub struct RuleRef<'a> {
    table: &'a RuleTable,
    index: &'a Index,
    // INVARIANT: `rank` is the rank of `row`.
    rank: u32,
    row: &'a RuleRow,
}

impl<'a> RuleRef<'a> {
    /// The rule at this rank; `index` must be the index of the rules in `table`.
    pub(super) fn new(table: &'a RuleTable, index: &'a Index, rank: u32) -> Option<Self> {
        let row = table.rows.get(usize::try_from(rank).ok()?)?;
        Some(Self { table, index, rank, row })
    }

    /// Every rule, in evaluation order.
    pub(super) fn all(table: &'a RuleTable, index: &'a Index) -> impl ExactSizeIterator<Item = Self> {
        let rows = table.rows.iter().enumerate();
        rows.map(move |(rank, row)| Self { table, index, rank: u32::try_from(rank).unwrap_or(u32::MAX), row })
    }

    /// The id, unique in the bundle.
    pub fn id(self) -> &'a str {
        self.table.ids.get(self.rank)
    }

    /// The effect that the rule decides.
    pub const fn effect(self) -> Effect {
        self.row.effect
    }

    /// The reason for the rule, for people.
    pub fn reason(self) -> &'a str {
        self.table.reasons.get(self.row.reason)
    }

    /// The budget of a matched action.
    pub fn budget(self) -> Option<Budget> {
        self.table.budgets.get(self.row.budget as usize).copied().flatten()
    }

    /// The position in the source's `rules`, for JSON Pointers.
    pub const fn position(self) -> usize {
        self.row.position
    }

    /// Whether the rule addresses this agent and this action.
    pub fn addresses(self, question: Question<'_>) -> bool {
        let (agent, action) = self.address();
        agent.is_some_and(|agent| agent.matches(question.agent))
            && action.is_some_and(|action| action.matches(question.action))
    }

    fn address(self) -> (Option<&'a AgentPattern>, Option<&'a ActionPattern>) {
        (self.table.agents.get(self.row.agent as usize), self.table.actions.get(self.row.action as usize))
    }

    /// Whether both rules address the same agents and actions under the same conditions.
    pub fn has_same_scope_and_conditions(self, other: RuleRef<'_>) -> bool {
        let (index, theirs) = (self.index, other.index);
        let (ours, their) = ((self.rank, index.fields()), (other.rank, theirs.fields()));
        index.checks().has_same_conditions(ours, theirs.checks(), their) && self.address() == other.address()
    }

    /// The rule's conditions, as they were in the bundle.
    pub fn conditions(self) -> impl Iterator<Item = Condition> + 'a {
        self.index.checks().conditions(self.rank, self.index.fields())
    }

    /// The whole rule as it was in the bundle, without its terms of approvals: they decide nothing and are not kept.
    pub fn to_rule(self) -> Rule {
        let (agent, action) = self.address();
        Rule {
            id: self.id().to_owned(),
            agent: agent.cloned().unwrap_or(AgentPattern::Any),
            action: action.cloned().unwrap_or(ActionPattern::Any),
            conditions: self.conditions().collect(),
            effect: self.row.effect,
            reason: self.reason().to_owned(),
            priority: self.row.priority,
            budget: self.budget(),
            approval: ApprovalTerms::default(),
            enabled: true,
            tags: self.table.tags.get(self.row.tags as usize).cloned().unwrap_or_default(),
            position: self.row.position,
        }
    }
}

impl PartialEq for RuleRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        (std::ptr::eq(self.table, other.table) && self.rank == other.rank) || self.to_rule() == other.to_rule()
    }
}

impl fmt::Debug for RuleRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RuleRef").field(&self.id()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{
        bundle::{Budget, Condition, Risk, Scalar, Test},
        engine::{Prepared, arbitrary, order},
    };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn a_rule_can_be_rebuilt_as_it_was(
            bundle in arbitrary::bundle(0..60), notes in prop::collection::vec((0..6_usize, "[a-c]{0,3}"), 60),
        ) {
            let mut bundle = bundle;
            for (rule, (what, note)) in bundle.rules.iter_mut().zip(&notes) {
                rule.reason.clone_from(note);
                match what {
                    0 => drop(rule.tags.insert(note.clone())),
                    1 => rule.budget = Some(Budget { cost: Some(-0.0), compute: None, risk: Some(Risk::Low) }),
                    2 => {
                        let mixed = vec![Scalar::String(note.clone()), Scalar::Number(-0.0), Scalar::Bool(true)];
                        rule.conditions.push(Condition::new("mixed", Test::NotIn(mixed)));
                        rule.conditions.push(Condition::new("mixed", Test::In(vec![Scalar::Bool(false); 2])));
                    }
                    3 => rule.conditions.push(Condition {
                        key: format!("=={note}"),
                        field: note.clone(),
                        test: Test::In(vec![Scalar::String(note.clone()); 2]),
                    }),
                    4 => rule.conditions.push(Condition {
                        key: format!("?? {note}"),
                        field: note.clone(),
                        test: Test::StartsWith(note.clone()),
                    }),
                    _ => {}
                }
            }
            let prepared = Prepared::new(&bundle);
            let mut wanted: Vec<_> = bundle.rules.iter().filter(|rule| rule.enabled).cloned().collect();
            wanted.sort_by(order::compare);
            // Compared with a bundle in which the fields and texts have other numbers.
            bundle.rules.reverse();
            bundle.rules.truncate(bundle.rules.len() / 2 + 1);
            let other = Prepared::new(&bundle);
            for (a, b) in prepared.rules().flat_map(|a| other.rules().map(move |b| (a, b))) {
                let (one, two) = (a.to_rule(), b.to_rule());
                let same = one.agent == two.agent && one.action == two.action && one.conditions == two.conditions;
                prop_assert_eq!(a.has_same_scope_and_conditions(b), same, "{:?} {:?}", one, two);
            }
            let rebuilt: Vec<_> = prepared.rules().map(|rule| rule.to_rule()).collect();
            prop_assert_eq!(rebuilt, wanted);
        }
    }
}
