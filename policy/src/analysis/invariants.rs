//! Proving invariants: whether any input gets an effect that a statement forbids.
//!
//! A statement applies in a cuboid. In that cuboid, each rule answers with its effect where it matches and with
//! `on_error` where it errs, a schema answers with `on_error` where it refuses, and the default answers the rest. An
//! input gets a forbidden effect exactly where the preceding deciders leave a part of such a cuboid uncovered: the one
//! question of [`super::cover`].

use std::cell::OnceCell;

use super::{
    Meter,
    cover::{Coverage, uncovered},
    outcome_pieces::{RuleOutcomes, outcome_pieces},
    slices::{Pair, enforced, pairs},
    space::{Cell, Cuboid, Domain, Footprint, Space},
};
use crate::{
    bundle::{ApprovalTerms, Bundle, Effect, Rule, Schema, invariant::Statement},
    engine::{Evaluation, Input, Prepared, Status, order},
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
    let broken = |effect: Effect| statement.demand.is_broken_by(effect);
    let question = Question { asked: &as_rule(statement), unwanted: Unwanted::Effect(&broken) };
    refute((bundle, &rules), question, &OnceCell::new(), meter)
}

/// A question about the answers to the inputs that `asked` matches.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Stands for the inputs.
    pub asked: &'a Rule,
    /// The answers that are looked for.
    pub unwanted: Unwanted<'a>,
}

/// Answers that are looked for.
#[derive(Clone, Copy)]
pub enum Unwanted<'a> {
    /// Any with such an effect.
    Effect(&'a dyn Fn(Effect) -> bool),
    /// The error of this rule, one of those that the question is about.
    ErrorOf(&'a Rule),
}

/// Looks for an input that gets an unwanted answer. `rules` are enabled rules of the bundle in the order of evaluation:
/// all that can decide one of the inputs. The bundle is `prepared` when an answer has to be confirmed.
pub fn refute(
    (bundle, rules): (&Bundle, &[&Rule]),
    question: Question<'_>,
    prepared: &OnceCell<Prepared>,
    meter: &mut Meter,
) -> InvariantProof {
    let asked = question.asked;
    let all: Vec<&Rule> = rules.iter().copied().chain([asked]).collect();
    let schemas: Vec<&Schema> = bundle.schema.iter().collect();
    let Some((pairs, _)) = pairs(&all, &schemas, |agent| asked.agent.matches(agent), meter) else {
        return InvariantProof::Undecided;
    };
    let mut whole = true;
    for pair in pairs.iter().filter(|pair| asked.action.matches(&pair.action)) {
        if !meter.spend(rules.len() as u64 / 4 + 1) {
            return InvariantProof::Undecided;
        }
        match (ScopeSearch { bundle, rules, question, pair }).search(meter) {
            Violation::Nothing => {}
            Violation::Input(input) => {
                // INVARIANT: the evaluator confirms every witness; an unconfirmed one proves nothing.
                if question.is_answered_by(&prepared.get_or_init(|| Prepared::new(bundle)).decide(&input)) {
                    return InvariantProof::Violated(input);
                }
                whole = false;
            }
            Violation::Undecided => whole = false,
        }
    }
    if whole { InvariantProof::Holds } else { InvariantProof::Undecided }
}

impl Question<'_> {
    fn is_answered_by(&self, answer: &Evaluation) -> bool {
        match self.unwanted {
            Unwanted::Effect(unwanted) => unwanted(answer.effect),
            Unwanted::ErrorOf(_) => answer.status == Status::Error,
        }
    }
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
        approval: ApprovalTerms::default(),
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
    question: Question<'a>,
    pair: &'a Pair,
}

impl ScopeSearch<'_> {
    fn search(&self, meter: &mut Meter) -> Violation {
        let (pair, asked) = (self.pair, self.question.asked);
        // The pair's rules include the statement's own rule, which comes last and is not in `self.rules`.
        let members: Vec<&Rule> = pair.rules.iter().filter_map(|position| self.rules.get(*position).copied()).collect();
        let declared = enforced(self.bundle, &pair.agent);
        let cut_by: Vec<_> = declared.into_iter().collect();
        let domain = if cut_by.is_empty() { Domain::Open } else { Domain::CutBy(&cut_by) };
        if !meter.spend(Space::nesting_cost(members.iter().copied().chain([asked]), domain)) {
            return Violation::Undecided;
        }
        let Some(space) = Space::new(members.iter().copied().chain([asked]), domain) else {
            return Violation::Nothing;
        };
        let matches = space.footprint(asked).matches;
        let Some(target) = matches.and_then(|cuboid| Space::intersect(&space.full(), &cuboid)) else {
            return Violation::Nothing;
        };
        let broken = |effect: Effect| match self.question.unwanted {
            Unwanted::Effect(unwanted) => unwanted(effect),
            Unwanted::ErrorOf(_) => false,
        };
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
                let is_unwanted = match self.question.unwanted {
                    Unwanted::Effect(unwanted) => unwanted(outcome.effect),
                    Unwanted::ErrorOf(wanted) => outcome.error && std::ptr::eq(*rule, wanted),
                };
                if !is_unwanted {
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
