//! Proving invariants: whether any input gets an effect that a statement forbids.
//!
//! A statement applies in a cuboid. In that cuboid, each rule answers with its effect where it matches and with
//! `on_error` where it errs, a schema answers with `on_error` where it refuses, and the default answers the rest. An
//! input gets a forbidden effect exactly where the preceding deciders leave a part of such a cuboid uncovered: the one
//! question of [`super::cover`].

use super::{
    Meter,
    cover::{Coverage, uncovered},
    outcome_pieces::{RuleOutcomes, outcome_pieces},
    slices::{Pair, enforced, pairs},
    space::{Cell, Cuboid, Domain, Footprint, Space},
};
use crate::{
    bundle::{Bundle, Effect, Rule, Schema, invariant::Statement},
    engine::{Input, Prepared, order},
};

/// Work units one invariant may take; fixed, so that every machine builds the same packet.
const WORK: u64 = 8_000_000;

/// The result of proving an invariant.
#[derive(Debug, Clone, PartialEq)]
pub enum InvariantProof {
    /// The invariant holds for every input.
    Holds,
    /// An input that breaks the invariant, confirmed by the evaluator.
    Violated(Input),
    /// The work budget ran out before every input was covered.
    Undecided,
}

/// Whether `statement` holds in `bundle` for every input, including those that an enforced schema refuses. Statements are
/// about names: what is [no name](crate::engine::names) is denied whatever the bundle says.
pub fn prove(bundle: &Bundle, statement: &Statement) -> InvariantProof {
    prove_within(bundle, statement, &mut Meter::new(WORK, WORK))
}

/// [`prove`] within a budget.
pub fn prove_within(bundle: &Bundle, statement: &Statement, meter: &mut Meter) -> InvariantProof {
    let mut rules: Vec<&Rule> = bundle.rules.iter().filter(|rule| rule.enabled).collect();
    rules.sort_by(|a, b| order::compare(a, b));
    let asked = as_rule(statement);
    let all: Vec<&Rule> = rules.iter().copied().chain([&asked]).collect();
    let schemas: Vec<&Schema> = bundle.schema.iter().collect();
    let Some((pairs, _)) = pairs(&all, &schemas, |agent| asked.agent.matches(agent), meter) else {
        return InvariantProof::Undecided;
    };
    let prepared = Prepared::new(bundle);
    let mut whole = true;
    for pair in pairs.iter().filter(|pair| asked.action.matches(&pair.action)) {
        if !meter.spend(rules.len() as u64 / 4 + 1) {
            return InvariantProof::Undecided;
        }
        match (ScopeSearch { bundle, rules: &rules, asked: &asked, statement, pair }).search(meter) {
            Violation::Nothing => {}
            Violation::Input(input) => {
                // INVARIANT: the evaluator confirms every witness; an unconfirmed one proves nothing.
                if statement.demand.is_broken_by(prepared.decide(&input).effect) {
                    return InvariantProof::Violated(input);
                }
                whole = false;
            }
            Violation::Undecided => whole = false,
        }
    }
    if whole { InvariantProof::Holds } else { InvariantProof::Undecided }
}

/// The statement as a rule, of which only the inputs it matches are of interest.
pub fn as_rule(statement: &Statement) -> Rule {
    Rule {
        id: statement.id.clone(),
        agent: statement.agent.clone(),
        action: statement.action.clone(),
        conditions: statement.conditions.clone(),
        effect: Effect::Deny,
        reason: String::new(),
        priority: 0,
        budget: None,
        enabled: true,
        tags: std::collections::BTreeSet::new(),
        position: 0,
    }
}

enum Violation {
    Nothing,
    Input(Input),
    Undecided,
}

/// The search in one agent and action that the statement applies to.
struct ScopeSearch<'a> {
    bundle: &'a Bundle,
    rules: &'a [&'a Rule],
    asked: &'a Rule,
    statement: &'a Statement,
    pair: &'a Pair,
}

impl ScopeSearch<'_> {
    fn search(&self, meter: &mut Meter) -> Violation {
        let pair = self.pair;
        // The pair's rules include the statement's own rule, which comes last and is not in `self.rules`.
        let members: Vec<&Rule> = pair.rules.iter().filter_map(|position| self.rules.get(*position).copied()).collect();
        let declared = enforced(self.bundle, &pair.agent);
        let cut_by: Vec<_> = declared.into_iter().collect();
        let domain = if cut_by.is_empty() { Domain::Open } else { Domain::CutBy(&cut_by) };
        let Some(space) = Space::new(members.iter().copied().chain([self.asked]), domain) else {
            return Violation::Nothing;
        };
        let matches = space.footprint(self.asked).matches;
        let Some(target) = matches.and_then(|cuboid| Space::intersect(&space.full(), &cuboid)) else {
            return Violation::Nothing;
        };
        let broken = |effect: Effect| self.statement.demand.is_broken_by(effect);
        let input = |cell: &Cell| {
            Violation::Input(Input {
                agent: pair.agent.to_string(),
                action: pair.action.to_string(),
                context: space.context(cell),
            })
        };
        let refused: Vec<Cuboid> = declared.map(|declared| space.refused(declared)).unwrap_or_default();
        let mut whole = true;
        if broken(self.bundle.on_error) {
            for cell in refused.iter().filter_map(|cuboid| Space::intersect(&target, cuboid)) {
                match uncovered((&space, &cell), std::iter::empty(), meter) {
                    Coverage::Open(cell) => return input(&cell),
                    Coverage::Covered(_) => {}
                    Coverage::Undecided => whole = false,
                }
            }
        }
        let footprints: Vec<Footprint> = members.iter().map(|rule| space.footprint(rule)).collect();
        let outcomes = |rule: &Rule| RuleOutcomes::new(rule.effect, self.bundle.on_error);
        let mut earlier: Vec<(usize, &Cuboid)> = refused.iter().enumerate().collect();
        for (rule, footprint) in members.iter().zip(&footprints) {
            for (outcome, piece) in outcome_pieces(&target, footprint, outcomes(rule)) {
                if !broken(outcome.effect) {
                    continue;
                }
                match uncovered((&space, &piece), earlier.iter().copied(), meter) {
                    Coverage::Open(cell) => return input(&cell),
                    Coverage::Covered(_) => {}
                    Coverage::Undecided => whole = false,
                }
            }
            let name = earlier.len();
            earlier.extend(footprint.decides.as_ref().map(|cuboid| (name, cuboid)));
        }
        if broken(self.bundle.default_effect) {
            match uncovered((&space, &target), earlier.iter().copied(), meter) {
                Coverage::Open(cell) => return input(&cell),
                Coverage::Covered(_) => {}
                Coverage::Undecided => whole = false,
            }
        }
        if whole { Violation::Nothing } else { Violation::Undecided }
    }
}
