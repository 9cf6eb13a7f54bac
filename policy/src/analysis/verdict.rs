//! The exact verdicts on a bundle: unreachable, conflicting and redundant rules, shadowed guardrails, gaps.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    Meter,
    geometry::{BundleGeometry, Entry, Key},
    proof_cache::ProofCache,
    prover::{Proof, Prover},
};
use crate::{bundle::Bundle, engine::Input};

/// Two rules that match the same input, and that input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleOverlap {
    /// The rule that decides.
    pub first: String,
    /// The rule that would have decided differently.
    pub second: String,
    /// An input that both rules match and the first rule decides.
    pub witness: Input,
}

/// A rule that can never match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unreachable {
    /// The rule.
    pub rule: String,
    /// The rules that together decide every input that the rule would match. None of them can be left out, and of all
    /// such sets this is the one whose rules come first. Empty when there is no input that the rule would match: the
    /// schema admits none, or the rule wants a field to be a text, say, and to have fields inside it.
    pub covered_by: Vec<String>,
}

/// Inputs of one agent and action that no rule decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// The agent.
    pub agent: String,
    /// The action.
    pub action: String,
    /// An input that no rule decides.
    pub witness: Arc<Input>,
}

/// All verdicts about a bundle.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Analysis {
    /// Rules that can never match.
    pub unreachable: Vec<Unreachable>,
    /// Pairs of rules of equal priority and different effect that match a common input which reaches them.
    pub conflicts: Vec<RuleOverlap>,
    /// Reachable rules whose removal changes no answer.
    pub redundant: Vec<String>,
    /// Guardrail rules that a more permissive rule of higher priority pre-empts for some input.
    pub shadowed_guardrails: Vec<RuleOverlap>,
    /// Agents and actions, named by rules or the schema, for which some input falls to the default effect.
    pub gaps: Vec<Gap>,
    /// Rules whose reachability, redundancy, conflicts or shadowing could not be decided within the budget.
    pub undecided: BTreeSet<String>,
    /// Agents and actions for which gaps could not be decided within the budget.
    pub undecided_gaps: Vec<(String, String)>,
    /// Whether the space was too large even to be laid out; nothing was decided then.
    pub too_large: bool,
}

/// Analyses the enabled rules of `bundle` over every input that its schema admits.
pub fn analyse(bundle: &Bundle, meter: Meter) -> Analysis {
    Analyzer::default().analyse(bundle, meter)
}

/// An incremental analysis: after an edit, only the proofs that the edited rules can affect are repeated. A witness
/// stays valid as long as no edited rule decides that input; a proof stays valid as long as its rules stay. The
/// verdicts equal those of [`analyse`], except that statements decided earlier stay decided when a budget runs out; the
/// witnesses may differ.
#[derive(Debug, Default)]
pub struct Analyzer {
    geometry: BundleGeometry,
    proofs: ProofCache,
}

impl Analyzer {
    /// An analyzer without any cached proof.
    pub fn new() -> Self {
        Self::default()
    }

    /// Analyses the enabled rules of `bundle` over every input that its schema admits.
    pub fn analyse(&mut self, bundle: &Bundle, mut meter: Meter) -> Analysis {
        if !self.geometry.continues(bundle) || !self.proofs.continues(bundle) {
            *self = Self::default();
        }
        let Some(edit) = self.geometry.update(bundle, &mut meter) else {
            *self = Self::default();
            return Analysis { too_large: true, ..Analysis::default() };
        };
        self.proofs.forget(&self.geometry, &edit, bundle.default_effect);
        let prover = Prover::new(&self.geometry, bundle, meter);
        let mut run = AnalysisRun { prover, proofs: &mut self.proofs, analysis: Analysis::default() };
        run.rules();
        run.overlaps(&edit.added);
        run.gaps();
        run.analysis
    }
}

/// An input that the rule matches and decides or, when other rules decide every input that the rule matches, an input
/// that the rule only matches. Returns `None` when the rule matches nothing or is not enabled, or when the budget runs
/// out first.
pub fn witness(bundle: &Bundle, rule: &str, meter: Meter) -> Option<Input> {
    with_prover(bundle, rule, meter, |prover, entry| match prover.prove_reachable(entry) {
        Proof::Witness(input) => Some(input),
        Proof::Never(_) | Proof::Undecided => prover.example(entry),
    })
    .flatten()
    .map(Arc::unwrap_or_clone)
}

/// The rules that shadow parts of a rule: they come before the rule and decide some input that it matches. Shadowing is
/// not a fault: in a good bundle most rules are shadowed by others somewhere.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Shadow {
    /// One overlap per shadowing rule, in evaluation order; the second rule of each overlap is the shadowed rule.
    pub by: Vec<RuleOverlap>,
    /// Whether every earlier rule was searched within the budget.
    pub complete: bool,
}

/// The rules that shadow parts of `rule`. Returns `None` when the rule is not enabled or the bundle is too large.
pub fn shadow(bundle: &Bundle, rule: &str, meter: Meter) -> Option<Shadow> {
    with_prover(bundle, rule, meter, |prover, entry| {
        let mut shadow = Shadow { by: Vec::new(), complete: true };
        for before in 0..entry.rank {
            let Some(other) = prover.geometry.ranked(before) else { continue };
            match prover.prove_preempted(entry, before) {
                Proof::Witness(witness) => {
                    let witness = Arc::unwrap_or_clone(witness);
                    shadow.by.push(RuleOverlap {
                        first: other.rule.id.clone(),
                        second: entry.rule.id.clone(),
                        witness,
                    });
                }
                Proof::Never(_) => {}
                Proof::Undecided => shadow.complete = false,
            }
            if prover.meter.exhausted() {
                shadow.complete = false;
                break;
            }
        }
        shadow
    })
}

fn with_prover<T>(
    bundle: &Bundle,
    rule: &str,
    mut meter: Meter,
    prove: impl FnOnce(&mut Prover<'_>, &Entry) -> T,
) -> Option<T> {
    let mut geometry = BundleGeometry::default();
    geometry.update(bundle, &mut meter)?;
    let entry = geometry.order.iter().filter_map(|key| geometry.entry(*key)).find(|entry| entry.rule.id == rule)?;
    Some(prove(&mut Prover::new(&geometry, bundle, meter), entry))
}

/// Work units that caching one pair of rules costs.
const PAIR_COST: u64 = 64;

struct AnalysisRun<'a> {
    prover: Prover<'a>,
    proofs: &'a mut ProofCache,
    analysis: Analysis,
}

impl AnalysisRun<'_> {
    /// Finds the unreachable rules, with the rules that cover them, and the redundant rules.
    fn rules(&mut self) {
        let geometry = self.prover.geometry;
        for key in geometry.order.iter().copied() {
            let Some(entry) = geometry.entry(key) else { continue };
            let id = || entry.rule.id.clone();
            let prover = &mut self.prover;
            match self.proofs.reached(key, || prover.prove_reachable(entry)) {
                Proof::Never(cover) => {
                    let covered_by = cover.iter().filter_map(|key| Some(geometry.entry(*key)?.rule.id.clone()));
                    self.analysis.unreachable.push(Unreachable { rule: id(), covered_by: covered_by.collect() });
                    continue;
                }
                Proof::Undecided => {
                    self.analysis.undecided.insert(id());
                    continue;
                }
                Proof::Witness(_) => {}
            }
            match self.proofs.matters(key, || prover.prove_relevant(entry)) {
                Proof::Never(_) => self.analysis.redundant.push(id()),
                Proof::Undecided => {
                    self.analysis.undecided.insert(id());
                }
                Proof::Witness(_) => {}
            }
        }
    }

    /// Finds conflicts at equal priority and guardrails that a more permissive rule pre-empts.
    fn overlaps(&mut self, added: &[Key]) {
        let geometry = self.prover.geometry;
        let guardrails: Vec<usize> = (0..geometry.order.len())
            .filter(|rank| geometry.ranked(*rank).is_some_and(|e| e.rule.is_guardrail()))
            .collect();
        let mut pairs: BTreeSet<(usize, usize)> = self.proofs.open_pairs(geometry).collect();
        for key in added.iter().copied().chain(self.proofs.take_unpaired()) {
            let Some(entry) = geometry.entry(key) else { continue };
            let equal = Self::equal_priority(geometry, entry);
            let others = if entry.rule.is_guardrail() { 0..geometry.order.len() } else { 0..0 };
            if !self.prover.meter.spend((equal.len() + guardrails.len() + others.len()) as u64 / 4 + 1) {
                // Too many pairs for the budget: none of them is decided.
                self.analysis.undecided.insert(entry.rule.id.clone());
                self.proofs.mark_unpaired(key);
                continue;
            }
            for rank in equal.chain(guardrails.iter().copied()).chain(others) {
                let Some(pair) = geometry.ranked(rank).and_then(|other| pair(entry, other)) else { continue };
                // Every pair is cached, and charging for it bounds the memory.
                if !self.prover.meter.spend(PAIR_COST) {
                    self.analysis.undecided.insert(entry.rule.id.clone());
                    self.proofs.mark_unpaired(key);
                    break;
                }
                pairs.insert(pair);
            }
        }
        for (first, second) in pairs {
            let (Some(one), Some(two)) = (geometry.ranked(first), geometry.ranked(second)) else { continue };
            let answer =
                if self.prover.meter.exhausted() { Proof::Undecided } else { self.prover.prove_overlap(one, two) };
            let keys = geometry.order.get(first).zip(geometry.order.get(second));
            if let Some((first, second)) = keys {
                self.proofs.record_overlap((*first, *second), answer);
            }
        }
        let mut proven: Vec<(usize, usize, &Proof)> = self.proofs.overlaps(geometry).collect();
        proven.sort_by_key(|(first, second, _)| (*first, *second));
        for (first, second, answer) in proven {
            let (Some(one), Some(two)) = (geometry.ranked(first), geometry.ranked(second)) else { continue };
            match answer {
                Proof::Witness(witness) => {
                    let (first, second) = (one.rule.id.clone(), two.rule.id.clone());
                    let overlap = RuleOverlap { first, second, witness: Input::clone(witness) };
                    if one.rule.priority == two.rule.priority {
                        self.analysis.conflicts.push(overlap);
                    } else {
                        self.analysis.shadowed_guardrails.push(overlap);
                    }
                }
                Proof::Never(_) => {}
                Proof::Undecided => {
                    self.analysis.undecided.insert(two.rule.id.clone());
                }
            }
        }
    }

    /// The ranks of the rules with the same priority.
    fn equal_priority(geometry: &BundleGeometry, entry: &Entry) -> std::ops::Range<usize> {
        let priority = |key: &Key| geometry.entry(*key).map_or(0, |entry| entry.rule.priority);
        let start = geometry.order.partition_point(|key| priority(key) > entry.rule.priority);
        start..geometry.order.partition_point(|key| priority(key) >= entry.rule.priority)
    }

    /// Finds the named agents and actions for which some input reaches no rule.
    fn gaps(&mut self) {
        for slice in self.prover.geometry.slices.iter().filter(|slice| slice.pair.named()) {
            let prover = &mut self.prover;
            let name = || (slice.pair.agent.to_string(), slice.pair.action.to_string());
            match self.proofs.gap(slice, || prover.prove_gap(slice)) {
                Proof::Witness(witness) => {
                    let (agent, action) = name();
                    self.analysis.gaps.push(Gap { agent, action, witness: witness.clone() });
                }
                Proof::Never(_) => {}
                Proof::Undecided => self.analysis.undecided_gaps.push(name()),
            }
        }
    }
}

/// The ranks of two rules in evaluation order if an overlap of the two is a problem: equal priority and different
/// effect, or a guardrail after a more permissive rule.
fn pair(one: &Entry, two: &Entry) -> Option<(usize, usize)> {
    let (first, second) = if one.rank < two.rank { (one, two) } else { (two, one) };
    let conflict = first.rule.priority == second.rule.priority && first.rule.effect != second.rule.effect;
    let shadow = first.rule.priority != second.rule.priority
        && second.rule.is_guardrail()
        && first.rule.effect > second.rule.effect;
    ((conflict || shadow) && first.may_overlap(second)).then_some((first.rank, second.rank))
}
