//! What is true of a bundle for every input.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    Meter,
    memo::{self, Answer, Digest, Memo},
    questions::Asker,
    slices::{Slice, slices},
};
use crate::{
    bundle::{Bundle, Rule},
    engine::{Input, order},
};

/// Two rules and an input that shows how they meet.
#[derive(Debug, Clone, PartialEq)]
pub struct Meeting {
    /// The rule that decides.
    pub first: String,
    /// The rule that would have decided otherwise.
    pub second: String,
    /// An input where both match and the first decides.
    pub witness: Input,
}

/// A rule that can never match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unreachable {
    /// The rule.
    pub rule: String,
    /// The rules that together decide everything it asks for; none of them can be left out. Empty when the schema
    /// admits no input that it asks for.
    pub covered_by: Vec<String>,
}

/// Inputs of one agent and action that no rule decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// The agent.
    pub agent: String,
    /// The action.
    pub action: String,
    /// Such an input.
    pub witness: Input,
}

/// Everything the analysis can say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Analysis {
    /// Rules that can never match.
    pub unreachable: Vec<Unreachable>,
    /// Pairs of rules of equal priority and different effect that match the same input, which reaches them.
    pub conflicts: Vec<Meeting>,
    /// Rules, reachable ones, whose removal changes no answer.
    pub redundant: Vec<String>,
    /// Guardrail rules that a more permissive rule of higher priority pre-empts for some input.
    pub shadowed_guardrails: Vec<Meeting>,
    /// Agents and actions, named by rules or the schema, for which some input falls to the default effect.
    pub gaps: Vec<Gap>,
    /// Rules whose reachability, redundancy, conflicts or shadowing could not be decided within the budget.
    pub undecided: BTreeSet<String>,
    /// Agents and actions whose gaps could not be decided within the budget.
    pub undecided_gaps: Vec<(String, String)>,
    /// Whether the space was too large even to be cut: nothing was decided.
    pub too_large: bool,
}

/// Analyses the enabled rules of `bundle` over every input that its schema admits.
pub fn analyse(bundle: &Bundle, meter: Meter) -> Analysis {
    Analyzer::default().analyse(bundle, meter)
}

/// An analysis that remembers: asked again after an edit, it proves anew only what the edited rules can affect, which
/// is the agents and actions that they address. Its answers are those of [`analyse`], except that what was decided
/// before stays decided when a budget runs out.
#[derive(Debug, Default)]
pub struct Analyzer {
    memo: Memo,
}

impl Analyzer {
    /// One that remembers nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Analyses the enabled rules of `bundle` over every input that its schema admits.
    pub fn analyse(&mut self, bundle: &Bundle, mut meter: Meter) -> Analysis {
        let rules = ordered(bundle);
        let Some(slices) = slices(bundle, &rules, &mut meter) else {
            return Analysis { too_large: true, ..Analysis::default() };
        };
        self.memo.begin();
        let asker = Asker { bundle, rules, slices, meter, memo: &mut self.memo, refused: BTreeSet::new() };
        let mut analyser = Analyser { names: asker.rules.iter().map(|rule| memo::digest(&rule.id)).collect(), asker };
        let addressed = analyser.addressed();
        let mut analysis = Analysis::default();
        let unreachable = analyser.reachability(&addressed, &mut analysis);
        analyser.redundancy(&addressed, &unreachable, &mut analysis);
        analyser.meetings(&mut analysis);
        analyser.gaps(&mut analysis);
        self.memo.end();
        analysis
    }
}

fn ordered(bundle: &Bundle) -> Vec<&Rule> {
    let mut rules: Vec<&Rule> = bundle.rules.iter().filter(|rule| rule.enabled).collect();
    rules.sort_by(|a, b| order::compare(a, b));
    rules
}

/// An input that the rule decides by matching, if there is one; when others decide all that it asks for, one that it
/// would match. None when it matches nothing, is not enabled, or the budget runs out first.
pub fn witness(bundle: &Bundle, rule: &str, mut meter: Meter) -> Option<Input> {
    let rules = ordered(bundle);
    let rank = rules.iter().position(|other| other.id == rule)?;
    let slices = slices(bundle, &rules, &mut meter)?;
    let mut addressed: Vec<usize> = (0..slices.len())
        .filter(|index| slices.get(*index).is_some_and(|slice| slice.rules.binary_search(&rank).is_ok()))
        .collect();
    // Names that somebody wrote make better examples than stand-ins.
    addressed.sort_by_key(|index| slices.get(*index).map(|slice| (!slice.named, slice.rules.len())));
    let mut memo = Memo::default();
    let mut asker = Asker { bundle, rules, slices, meter, memo: &mut memo, refused: BTreeSet::new() };
    let mut matched = None;
    for index in addressed {
        match asker.example(index, rank) {
            (Some(input), true) => return Some(input),
            (input, _) => matched = matched.or(input),
        }
    }
    matched
}

struct Analyser<'a, 'm> {
    asker: Asker<'a, 'm>,
    /// A digest of the id of each rule.
    names: Vec<Digest>,
}

impl Analyser<'_, '_> {
    fn id(&self, rank: usize) -> String {
        self.asker.rules.get(rank).map(|rule| rule.id.clone()).unwrap_or_default()
    }

    /// For each rule, the slices that address it, the least crowded first: a witness is found there soonest. Slices that
    /// are alike are asked once.
    fn addressed(&self) -> Vec<Vec<usize>> {
        let slices = &self.asker.slices;
        let mut order: Vec<usize> = (0..slices.len()).collect();
        order.sort_by_key(|index| slices.get(*index).map_or(0, |slice| slice.rules.len()));
        let mut seen = BTreeSet::new();
        order.retain(|index| slices.get(*index).is_some_and(|slice| seen.insert((slice.digest, &slice.rules))));
        let mut addressed: Vec<Vec<usize>> = vec![Vec::new(); self.asker.rules.len()];
        for index in order {
            for rank in slices.get(index).iter().flat_map(|slice| slice.rules.iter()) {
                if let Some(list) = addressed.get_mut(*rank) {
                    list.push(index);
                }
            }
        }
        addressed
    }

    /// Finds the rules that never match, with what covers them; returns their ranks.
    fn reachability(&mut self, addressed: &[Vec<usize>], analysis: &mut Analysis) -> BTreeSet<usize> {
        let mut unreachable = BTreeSet::new();
        for (rank, slices) in addressed.iter().enumerate() {
            let mut covered_by = BTreeSet::new();
            let mut verdict = Some(true);
            for index in slices.iter().copied() {
                match self.asker.reached(index, rank) {
                    Some(Answer::Covered(used)) => covered_by.extend(self.asker.ranks(index, &used)),
                    Some(Answer::Yes) => {
                        verdict = Some(false);
                        break;
                    }
                    Some(_) => {}
                    None => verdict = None,
                }
            }
            match verdict {
                Some(true) => {
                    unreachable.insert(rank);
                    let covered_by = self.cover(rank, slices, &covered_by);
                    analysis.unreachable.push(Unreachable { rule: self.id(rank), covered_by: covered_by.to_vec() });
                }
                Some(false) => {}
                None => {
                    analysis.undecided.insert(self.id(rank));
                }
            }
        }
        unreachable
    }

    /// The minimal covering set of an unreachable rule, by id.
    fn cover(&mut self, rank: usize, slices: &[usize], covering: &BTreeSet<usize>) -> Arc<[String]> {
        let names: Vec<Digest> = covering.iter().filter_map(|rank| self.names.get(*rank).copied()).collect();
        let digests = slices.iter().filter_map(|index| self.asker.slices.get(*index)).map(|slice| slice.digest);
        let about = digests.fold(0, |all: Digest, digest| all.rotate_left(1) ^ digest);
        let about = memo::digest((self.names.get(rank), names, about));
        if let Some(known) = self.asker.memo.cover(about) {
            return known;
        }
        let kept = self.asker.minimise(rank, slices, covering);
        let kept: Arc<[String]> = kept.iter().map(|rank| self.id(*rank)).collect();
        self.asker.memo.keep_cover(about, Arc::clone(&kept));
        kept
    }

    /// Finds the reachable rules whose removal changes no answer.
    fn redundancy(&mut self, addressed: &[Vec<usize>], unreachable: &BTreeSet<usize>, analysis: &mut Analysis) {
        for (rank, slices) in addressed.iter().enumerate() {
            if unreachable.contains(&rank)
                || (!analysis.undecided.is_empty() && analysis.undecided.contains(&self.id(rank)))
            {
                continue;
            }
            let mut verdict = Some(true);
            for index in slices {
                match self.asker.matters(*index, rank) {
                    Some(false) => {}
                    Some(true) => {
                        verdict = Some(false);
                        break;
                    }
                    None => verdict = None,
                }
            }
            match verdict {
                Some(true) => analysis.redundant.push(self.id(rank)),
                Some(false) => {}
                None => {
                    analysis.undecided.insert(self.id(rank));
                }
            }
        }
    }

    /// Finds conflicts at equal priority and guardrails that a more permissive rule pre-empts.
    fn meetings(&mut self, analysis: &mut Analysis) {
        let mut seen: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut asked = BTreeSet::new();
        let rules = self.asker.rules.clone();
        for index in 0..self.asker.slices.len() {
            let Some(slice) = self.asker.slices.get(index) else { continue };
            let ranks = Arc::clone(&slice.rules);
            if !asked.insert((slice.digest, Arc::clone(&ranks))) {
                continue;
            }
            let mut pairs = meeting_pairs(&rules, &ranks).peekable();
            let open = pairs.peek().is_none() || self.asker.is_open(index);
            for (first, second, conflict) in pairs {
                if !open || self.asker.meter.exhausted() {
                    // Too many to ask about one by one: none of them is known.
                    analysis.undecided.extend(ranks.iter().map(|rank| self.id(*rank)));
                    break;
                }
                if seen.contains(&(first, second)) {
                    continue;
                }
                match self.asker.meets(index, first, second) {
                    Some(Some(witness)) => {
                        seen.insert((first, second));
                        let meeting = Meeting { first: self.id(first), second: self.id(second), witness };
                        if conflict {
                            analysis.conflicts.push(meeting);
                        } else {
                            analysis.shadowed_guardrails.push(meeting);
                        }
                    }
                    Some(None) => {}
                    None => {
                        analysis.undecided.insert(self.id(second));
                    }
                }
            }
        }
    }

    /// Finds the named agents and actions for which some input reaches no rule.
    fn gaps(&mut self, analysis: &mut Analysis) {
        for index in 0..self.asker.slices.len() {
            let Some(Slice { agent, action, named: true, .. }) = self.asker.slices.get(index).cloned() else {
                continue;
            };
            match self.asker.gap(index) {
                Some(Some(witness)) => analysis.gaps.push(Gap { agent, action, witness }),
                Some(None) => {}
                None => analysis.undecided_gaps.push((agent, action)),
            }
        }
    }
}

/// The pairs of rules of a slice, by rank, that must not meet: of equal priority and different effect (true), or a
/// guardrail after a more permissive rule (false).
fn meeting_pairs<'r>(rules: &'r [&Rule], ranks: &'r [usize]) -> impl Iterator<Item = (usize, usize, bool)> + 'r {
    let rule = |rank: usize| rules.get(rank).copied();
    let guardrails: Vec<usize> =
        ranks.iter().copied().filter(|rank| rule(*rank).is_some_and(Rule::is_guardrail)).collect();
    ranks.iter().copied().enumerate().flat_map(move |(position, first)| {
        let mut pairs = Vec::new();
        if let Some(one) = rule(first) {
            let equal = ranks.iter().copied().skip(position + 1);
            let equal = equal.take_while(|second| rule(*second).is_some_and(|other| other.priority == one.priority));
            let conflicts = equal.filter(|second| rule(*second).is_some_and(|other| other.effect != one.effect));
            pairs.extend(conflicts.map(|second| (first, second, true)));
            let later = guardrails.iter().copied().filter(|second| *second > first);
            let shadowed = later.filter(|second| {
                rule(*second).is_some_and(|other| one.effect > other.effect && other.priority != one.priority)
            });
            pairs.extend(shadowed.map(|second| (first, second, false)));
        }
        pairs
    })
}
