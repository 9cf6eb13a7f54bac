//! What is true of a bundle for every input.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Meter,
    cover::{Coverage, uncovered},
    slices::{Mapped, Slice, slices},
    space::{Cell, Footprint, Region, Space, and, is_empty, minus},
};
use crate::{
    bundle::{Bundle, Effect, Rule, rule::GUARDRAIL},
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
#[derive(Debug, Clone, PartialEq)]
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

/// What an answer amounts to, apart from who gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Decided(Effect),
    Error,
}

struct Analyser<'a> {
    rules: Vec<&'a Rule>,
    slices: Vec<Slice>,
    default: Outcome,
    meter: Meter,
}

/// Analyses the enabled rules of `bundle` over every input that its schema admits.
pub fn analyse(bundle: &Bundle, mut meter: Meter) -> Analysis {
    let mut rules: Vec<&Rule> = bundle.rules.iter().filter(|rule| rule.enabled).collect();
    rules.sort_by(|a, b| order::compare(a, b));
    let Some(slices) = slices(&rules, bundle.schema.as_ref(), &mut meter) else {
        return Analysis { too_large: true, ..Analysis::default() };
    };
    let mut analyser = Analyser { rules, slices, default: Outcome::Decided(bundle.default_effect), meter };
    let mut analysis = Analysis::default();
    let unreachable = analyser.reachability(&mut analysis);
    analyser.redundancy(&unreachable, &mut analysis);
    analyser.meetings(&mut analysis);
    analyser.gaps(&mut analysis);
    analysis
}

/// An input that the rule decides by matching, if there is one; when others decide all that it asks for, one that it
/// would match. None when it matches nothing, is not enabled, or the budget runs out first.
pub fn witness(bundle: &Bundle, rule: &str, mut meter: Meter) -> Option<Input> {
    let mut rules: Vec<&Rule> = bundle.rules.iter().filter(|rule| rule.enabled).collect();
    rules.sort_by(|a, b| order::compare(a, b));
    let rank = rules.iter().position(|other| other.id == rule)?;
    let slices = slices(&rules, bundle.schema.as_ref(), &mut meter)?;
    let mut addressed: Vec<usize> = (0..slices.len())
        .filter(|index| slices.get(*index).is_some_and(|slice| slice.rules.binary_search(&rank).is_ok()))
        .collect();
    // Names that somebody wrote make better examples than stand-ins.
    addressed.sort_by_key(|index| slices.get(*index).map(|slice| (!slice.named, slice.rules.len())));
    let mut matched = None;
    for index in addressed {
        let Some((slice, mapped)) = slice(&slices, index) else { continue };
        let Some(cell) = matching(slice, mapped, rank) else { continue };
        matched.get_or_insert_with(|| input(slice, mapped, &cell));
        if let Coverage::Open(cell) = uncovered(cell, &deciding(slice, mapped, |other| other < rank), &mut meter) {
            return Some(input(slice, mapped, &cell));
        }
    }
    matched
}

impl Analyser<'_> {
    fn id(&self, rank: usize) -> String {
        self.rules.get(rank).map(|rule| rule.id.clone()).unwrap_or_default()
    }

    fn ids(&self, ranks: &BTreeSet<usize>) -> Vec<String> {
        ranks.iter().map(|rank| self.id(*rank)).collect()
    }

    /// For each rule, the slices that address it, the least crowded first: a witness is found there soonest.
    fn addressed(&self) -> BTreeMap<usize, Vec<usize>> {
        let mut order: Vec<usize> = (0..self.slices.len()).collect();
        order.sort_by_key(|index| self.slices.get(*index).map_or(0, |slice| slice.rules.len()));
        let mut addressed: BTreeMap<usize, Vec<usize>> = (0..self.rules.len()).map(|rank| (rank, Vec::new())).collect();
        for index in order {
            for rank in self.slices.get(index).iter().flat_map(|slice| slice.rules.iter()) {
                addressed.entry(*rank).or_default().push(index);
            }
        }
        addressed
    }

    /// Finds the rules that never match, with what covers them; returns their ranks.
    fn reachability(&mut self, analysis: &mut Analysis) -> BTreeSet<usize> {
        let mut unreachable = BTreeSet::new();
        for (rank, slices) in self.addressed() {
            let mut covered_by = BTreeSet::new();
            let mut verdict = Some(true);
            for index in slices.iter().copied() {
                let Some((slice, mapped)) = slice(&self.slices, index) else { continue };
                let Some(cell) = matching(slice, mapped, rank) else { continue };
                match uncovered(cell, &deciding(slice, mapped, |other| other < rank), &mut self.meter) {
                    Coverage::Covered(used) => covered_by.extend(used),
                    Coverage::Open(_) => {
                        verdict = Some(false);
                        break;
                    }
                    Coverage::Undecided => verdict = None,
                }
            }
            match verdict {
                Some(true) => {
                    unreachable.insert(rank);
                    let covered_by = self.minimise(rank, &slices, covered_by);
                    analysis.unreachable.push(Unreachable { rule: self.id(rank), covered_by: self.ids(&covered_by) });
                }
                Some(false) => {}
                None => {
                    analysis.undecided.insert(self.id(rank));
                }
            }
        }
        unreachable
    }

    /// Leaves out of a covering set what it can do without, in every slice; what cannot be decided stays. Rules that
    /// are looked at last go first: the cover that remains names the rules an author sees first.
    fn minimise(&mut self, rank: usize, slices: &[usize], covering: BTreeSet<usize>) -> BTreeSet<usize> {
        let mut kept = covering.clone();
        for candidate in covering.iter().rev() {
            let needed = slices.iter().any(|index| {
                let Some((slice, mapped)) = slice(&self.slices, *index) else { return false };
                let Some(cell) = matching(slice, mapped, rank) else { return false };
                let others = deciding(slice, mapped, |name| name != *candidate && kept.contains(&name));
                !matches!(uncovered(cell, &others, &mut self.meter), Coverage::Covered(_))
            });
            if !needed {
                kept.remove(candidate);
            }
        }
        kept
    }

    /// Finds the reachable rules whose removal changes no answer.
    fn redundancy(&mut self, unreachable: &BTreeSet<usize>, analysis: &mut Analysis) {
        for (rank, slices) in self.addressed() {
            if unreachable.contains(&rank) || analysis.undecided.contains(&self.id(rank)) {
                continue;
            }
            let mut verdict = Some(true);
            for index in slices {
                match self.matters(index, rank) {
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

    /// Whether some input of the slice would be answered otherwise without the rule; none when undecided.
    fn matters(&mut self, index: usize, rank: usize) -> Option<bool> {
        let (slice, mapped) = slice(&self.slices, index)?;
        let Some(own) = footprint(slice, mapped, rank) else { return Some(false) };
        let effect = self.rules.get(rank)?.effect;
        let mut undecided = false;
        for (outcome, piece) in pieces(&mapped.space.full(), own, effect) {
            // The rules after this one, as the answers that would stand in: each takes what no rule before it takes.
            for (position, other) in slice.rules.iter().enumerate().filter(|(_, other)| **other > rank) {
                let (Some(footprint), Some(rule)) = (mapped.footprints.get(position), self.rules.get(*other)) else {
                    continue;
                };
                for (instead, part) in pieces(&piece, footprint, rule.effect) {
                    if instead == outcome {
                        continue;
                    }
                    let before = deciding(slice, mapped, |name| name < *other && name != rank);
                    match uncovered(part, &before, &mut self.meter) {
                        Coverage::Open(_) => return Some(true),
                        Coverage::Covered(_) => {}
                        Coverage::Undecided => undecided = true,
                    }
                }
            }
            if self.default != outcome {
                let others = deciding(slice, mapped, |name| name != rank);
                match uncovered(piece, &others, &mut self.meter) {
                    Coverage::Open(_) => return Some(true),
                    Coverage::Covered(_) => {}
                    Coverage::Undecided => undecided = true,
                }
            }
        }
        if undecided { None } else { Some(false) }
    }

    /// Finds conflicts at equal priority and guardrails that a more permissive rule pre-empts.
    fn meetings(&mut self, analysis: &mut Analysis) {
        let mut seen: BTreeSet<(usize, usize)> = BTreeSet::new();
        for index in 0..self.slices.len() {
            let Some((slice, mapped)) = slice(&self.slices, index) else { continue };
            for (position, first) in slice.rules.iter().enumerate() {
                let Some(first_rule) = self.rules.get(*first) else { continue };
                for (other_position, second) in slice.rules.iter().enumerate().skip(position + 1) {
                    let Some(second_rule) = self.rules.get(*second) else { continue };
                    let conflict =
                        first_rule.priority == second_rule.priority && first_rule.effect != second_rule.effect;
                    let shadow = second_rule.tags.contains(GUARDRAIL) && first_rule.effect > second_rule.effect;
                    if !(conflict || shadow) || seen.contains(&(*first, *second)) {
                        continue;
                    }
                    let meet = |position: usize| mapped.footprints.get(position).and_then(|f| f.matches.as_ref());
                    let (Some(a), Some(b)) = (meet(position), meet(other_position)) else { continue };
                    let both = Space::intersect(&mapped.space.full(), a).and_then(|cell| Space::intersect(&cell, b));
                    let Some(both) = both else {
                        if !self.meter.spend(1) {
                            analysis.undecided.insert(second_rule.id.clone());
                        }
                        continue;
                    };
                    let earlier = deciding(slice, mapped, |name| name < *first);
                    match uncovered(both, &earlier, &mut self.meter) {
                        Coverage::Open(cell) => {
                            seen.insert((*first, *second));
                            let meeting = Meeting {
                                first: first_rule.id.clone(),
                                second: second_rule.id.clone(),
                                witness: input(slice, mapped, &cell),
                            };
                            if conflict {
                                analysis.conflicts.push(meeting);
                            } else {
                                analysis.shadowed_guardrails.push(meeting);
                            }
                        }
                        Coverage::Covered(_) => {}
                        Coverage::Undecided => {
                            analysis.undecided.insert(second_rule.id.clone());
                        }
                    }
                }
            }
        }
    }

    /// Finds the named agents and actions for which some input reaches no rule.
    fn gaps(&mut self, analysis: &mut Analysis) {
        for index in 0..self.slices.len() {
            let Some((slice, mapped)) = slice(&self.slices, index) else { continue };
            if !slice.named {
                continue;
            }
            let all = deciding(slice, mapped, |_| true);
            match uncovered(mapped.space.full(), &all, &mut self.meter) {
                Coverage::Open(cell) => analysis.gaps.push(Gap {
                    agent: slice.agent.clone(),
                    action: slice.action.clone(),
                    witness: input(slice, mapped, &cell),
                }),
                Coverage::Covered(_) => {}
                Coverage::Undecided => {
                    analysis.undecided_gaps.push((slice.agent.clone(), slice.action.clone()));
                }
            }
        }
    }
}

fn slice(slices: &[Slice], index: usize) -> Option<(&Slice, &Mapped)> {
    let slice = slices.get(index)?;
    Some((slice, slice.space.as_deref()?))
}

fn footprint<'a>(slice: &Slice, mapped: &'a Mapped, rank: usize) -> Option<&'a Footprint> {
    let position = slice.rules.binary_search(&rank).ok()?;
    mapped.footprints.get(position)
}

/// Where a rule of a slice matches; none when that is nowhere.
fn matching(slice: &Slice, mapped: &Mapped, rank: usize) -> Option<Cell> {
    let matches = footprint(slice, mapped, rank)?.matches.as_ref()?;
    Space::intersect(&mapped.space.full(), matches)
}

/// The boxes in which the wanted rules of a slice decide, each with its rank.
fn deciding<'a>(slice: &Slice, mapped: &'a Mapped, wanted: impl Fn(usize) -> bool) -> Vec<(usize, &'a Region)> {
    slice
        .rules
        .iter()
        .zip(&mapped.footprints)
        .filter(|(rank, _)| wanted(**rank))
        .filter_map(|(rank, footprint)| Some((*rank, footprint.decides.as_ref()?)))
        .collect()
}

/// The disjoint parts of `cell` in which a rule decides, each with what it answers there: its effect where it matches,
/// an error in the slabs around.
fn pieces(cell: &Cell, footprint: &Footprint, effect: Effect) -> Vec<(Outcome, Cell)> {
    let Some(mut rest) = footprint.decides.as_ref().and_then(|region| Space::intersect(cell, region)) else {
        return Vec::new();
    };
    let Some(matches) = &footprint.matches else { return vec![(Outcome::Error, rest)] };
    let mut pieces = Vec::new();
    for (axis, keep) in &matches.parts {
        let Some(have) = rest.get(*axis).cloned() else { continue };
        let outside = minus(&have, keep);
        if !is_empty(&outside) {
            let mut slab = rest.clone();
            if let Some(set) = slab.get_mut(*axis) {
                *set = outside;
            }
            pieces.push((Outcome::Error, slab));
        }
        let inside = and(&have, keep);
        if is_empty(&inside) {
            return pieces;
        }
        if let Some(set) = rest.get_mut(*axis) {
            *set = inside;
        }
    }
    pieces.push((Outcome::Decided(effect), rest));
    pieces
}

fn input(slice: &Slice, mapped: &Mapped, cell: &Cell) -> Input {
    Input { agent: slice.agent.clone(), action: slice.action.clone(), context: mapped.space.context(cell) }
}
