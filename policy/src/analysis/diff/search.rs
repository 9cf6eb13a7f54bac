//! Which pairs of deciders, one before and one after, share inputs that they answer differently.

use std::collections::HashMap;

use super::{
    bundle_pair::BundlePair,
    coverage_cache::{CoverageCache, CoverageKey, PrecedingDeciders},
    difference::{Decider, Difference, Part, PieceIds, SearchResult, Side},
};
use crate::{
    analysis::{
        Meter,
        cover::Coverage,
        outcome::Outcome,
        outcome_pieces::{RuleOutcomes, outcome_pieces_within},
        slices::Pair,
        space::{Cell, Cuboid, Space},
    },
    bundle::Bundle,
    engine::Input,
};

/// A decider of one bundle in one slice.
struct DeciderEntry<'s> {
    decider: Decider,
    /// The cuboid in which the decider decides; `None` for the default, which decides everywhere.
    cuboid: Option<&'s Cuboid>,
    /// Whether the other bundle lacks the decider or has a different decider in its place.
    changed: bool,
    /// For an unchanged rule, its place in the other bundle.
    place_in_other: Option<usize>,
}

/// The differences of a slice, or of a cuboid of that slice.
pub(super) fn search(
    bundles: &BundlePair<'_>,
    pair: &Pair,
    within: Option<&Cuboid>,
    cache: &mut CoverageCache,
    meter: &mut Meter,
) -> SearchResult {
    let mut full = bundles.space.full();
    let mut refusals: [Vec<Cuboid>; 2] = Default::default();
    let nothing = || SearchResult { differences: Vec::new(), complete: true };
    match bundles.same_domain(&pair.agent) {
        Some(None) => {}
        Some(Some(declared)) => {
            for (axis, field) in
                declared.fields.iter().filter_map(|(name, field)| Some((bundles.space.axis(name)?, field)))
            {
                let Some(set) = full.get_mut(axis) else { continue };
                *set = set.and(&bundles.space.admitted(axis, field));
                if set.is_empty() {
                    return nothing(); // No input is valid: both bundles refuse all of them.
                }
            }
        }
        None => refusals = bundles.refused(&pair.agent, &bundles.space),
    }
    if let Some(cuboid) = within {
        match Space::intersect(&full, cuboid) {
            Some(inside) => full = inside,
            None => return nothing(),
        }
    }
    let split = pair.rules.partition_point(|rule| *rule < bundles.old);
    let before = pair.rules.get(..split).unwrap_or_default();
    let rank = |rule: &usize| bundles.ranks.get(*rule).copied().flatten();
    let mut after: Vec<usize> = pair.rules.iter().copied().filter(|rule| rank(rule).is_some()).collect();
    after.sort_unstable_by_key(rank);
    let [old_refusals, new_refusals] = &refusals;
    let (old, new) = (entries(bundles, old_refusals, before), entries(bundles, new_refusals, &after));
    let mut search = Search { bundles, pair, full, old, new };
    search.link_places();
    let mut state = SearchState { differences: Vec::new(), undecided: false, cache, meter };
    let ended = search.run(&mut state).is_some();
    SearchResult { differences: state.differences, complete: ended && !state.undecided }
}

fn entries<'s>(bundles: &'s BundlePair<'_>, refusals: &'s [Cuboid], rules: &[usize]) -> Vec<DeciderEntry<'s>> {
    let entry = |decider, cuboid, changed| DeciderEntry { decider, cuboid, changed, place_in_other: None };
    let refusals = refusals.iter().enumerate().map(|(at, cuboid)| entry(Decider::Refusal(at), Some(cuboid), true));
    let rules = rules.iter().filter_map(|rule| {
        let decides = bundles.footprint(*rule)?.decides.as_ref()?;
        Some(entry(Decider::Rule(*rule), Some(decides), bundles.is_changed(*rule)))
    });
    refusals.chain(rules).chain([entry(Decider::Default, None, false)]).collect()
}

struct Search<'s, 'a> {
    bundles: &'s BundlePair<'a>,
    pair: &'s Pair,
    full: Cell,
    old: Vec<DeciderEntry<'s>>,
    new: Vec<DeciderEntry<'s>>,
}

/// The state of a search: the differences found so far, and its working data.
struct SearchState<'k> {
    differences: Vec<Difference>,
    /// The budget ran out for some query.
    undecided: bool,
    cache: &'k mut CoverageCache,
    meter: &'k mut Meter,
}

/// The question whether two deciders share inputs of a cell that no preceding decider takes.
struct Query<'q, 's> {
    before: Side,
    after: Side,
    pieces: PieceIds,
    cell: &'q Cell,
    preceding: &'q PrecedingDeciders<'s>,
}

impl Search<'_, '_> {
    /// Records, for each unchanged rule, its place in the other bundle.
    fn link_places(&mut self) {
        let places = |entries: &[DeciderEntry<'_>]| -> HashMap<usize, usize> {
            let unchanged = entries.iter().enumerate().filter(|(_, entry)| !entry.changed);
            unchanged.filter_map(|(place, entry)| Some((entry.decider.rule()?, place))).collect()
        };
        let (old, new) = (places(&self.old), places(&self.new));
        for (entries, others) in [(&mut self.old, &new), (&mut self.new, &old)] {
            for entry in entries {
                if let Some(rule) = entry.decider.rule() {
                    entry.place_in_other = others.get(&rule).copied();
                }
            }
        }
    }

    /// Runs all queries. Returns `None` when the budget is spent.
    fn run(&self, state: &mut SearchState<'_>) -> Option<()> {
        // Changed deciders of the bundle before, against all deciders of the bundle after.
        for place in (0..self.old.len()).filter(|place| self.old.get(*place).is_some_and(|entry| entry.changed)) {
            self.compare(place, true, state)?;
        }
        // Changed deciders of the bundle after, against the unchanged deciders of the bundle before.
        for place in (0..self.new.len()).filter(|place| self.new.get(*place).is_some_and(|entry| entry.changed)) {
            self.compare(place, false, state)?;
        }
        if self.bundles.everywhere {
            self.compare_unchanged(state)?;
        }
        Some(())
    }

    /// Compares the changed decider at `place` of one bundle with the deciders of the other bundle: with all of them
    /// when the changed decider is of the bundle before, otherwise with the unchanged ones. Returns `None` when the
    /// budget is spent.
    fn compare(&self, place: usize, is_before: bool, state: &mut SearchState<'_>) -> Option<()> {
        let (mine, others) = if is_before { (&self.old, &self.new) } else { (&self.new, &self.old) };
        let (my_bundle, other_bundle) = match (self.bundles.before, self.bundles.after) {
            (before, after) if is_before => (before, after),
            (before, after) => (after, before),
        };
        let entry = mine.get(place)?;
        let decider = entry.decider;
        for (piece, (outcome, cell)) in self.pieces_of(my_bundle, entry).into_iter().enumerate() {
            let mut preceding = PrecedingDeciders::default();
            for entry in mine.get(..place)?.iter().filter(|entry| touches(&cell, entry)) {
                preceding.add(entry.decider, entry.cuboid);
            }
            state.meter.spend(place as u64 / 8 + 1);
            // No piece has the number `usize::MAX`: this key stands for a single decider.
            let pieces = PieceIds { before: piece, after: usize::MAX };
            let key = CoverageKey { before: decider, after: decider, pieces };
            let taken = state.cache.coverage(self.bundles, key, &cell, &preceding, state.meter);
            if matches!(taken, Coverage::Covered(_)) {
                continue;
            }
            let own = Side { outcome, decider };
            for other in others {
                // An unchanged rule that comes first in both bundles is among `preceding` already.
                if other.place_in_other.is_some_and(|elsewhere| elsewhere < place) || !touches(&cell, other) {
                    continue;
                }
                if is_before || !other.changed {
                    for (number, instead, part) in self.differing_parts(other_bundle, &cell, other, outcome) {
                        let theirs = Side { outcome: instead, decider: other.decider };
                        let (before, after, pieces) = if is_before {
                            (own, theirs, PieceIds { before: piece, after: number })
                        } else {
                            (theirs, own, PieceIds { before: number, after: piece })
                        };
                        self.answer(&Query { before, after, pieces, cell: &part, preceding: &preceding }, state)?;
                    }
                }
                if other.cuboid.is_none_or(|cuboid| Space::is_within(&cell, cuboid)) {
                    break; // No input of the cell reaches what comes after this decider.
                }
                preceding.add(other.decider, other.cuboid);
            }
        }
        Some(())
    }

    fn pieces_of(&self, bundle: &Bundle, entry: &DeciderEntry<'_>) -> Vec<(Outcome, Cell)> {
        let footprint = entry.decider.rule().and_then(|rule| self.bundles.footprint(rule));
        self.bundles.pieces(bundle, &self.full, (entry.decider, entry.cuboid, footprint))
    }

    /// The parts of a cell in which a decider's outcome is not `outcome`, each with the number of its piece and its
    /// outcome.
    fn differing_parts(
        &self,
        bundle: &Bundle,
        cell: &Cell,
        entry: &DeciderEntry<'_>,
        outcome: Outcome,
    ) -> Vec<(usize, Outcome, Cell)> {
        let rule = entry.decider.rule().and_then(|rule| self.bundles.rules.get(rule).zip(self.bundles.footprint(rule)));
        let Some((rule, footprint)) = rule else {
            let pieces = self.pieces_of(bundle, entry).into_iter().enumerate();
            let others = pieces.filter(|(_, (instead, _))| *instead != outcome);
            return others
                .filter_map(|(at, (instead, part))| Some((at, instead, Space::common(cell, &part)?)))
                .collect();
        };
        let outcomes = RuleOutcomes::new(rule.effect, bundle.on_error);
        outcome_pieces_within(&self.full, cell, footprint, outcomes, |instead| instead != outcome)
    }

    /// Compares each unchanged decider with itself: its outcome changes where the default or `on_error` does.
    fn compare_unchanged(&self, state: &mut SearchState<'_>) -> Option<()> {
        let (before, after) = (self.bundles.before, self.bundles.after);
        for one in 0..self.old.len() {
            let entry = self.old.get(one)?;
            let two = match entry.decider {
                Decider::Default => self.new.len().checked_sub(1)?,
                _ => match entry.place_in_other {
                    Some(two) => two,
                    None => continue,
                },
            };
            let other = self.new.get(two)?;
            let both = self.pieces_of(before, entry).into_iter().zip(self.pieces_of(after, other));
            let mut preceding = PrecedingDeciders::default();
            let new = self.new.get(..two)?.iter().filter(|entry| entry.place_in_other.is_none_or(|place| place > one));
            self.old.get(..one)?.iter().chain(new).for_each(|entry| preceding.add(entry.decider, entry.cuboid));
            for (piece, ((was, part), (is, _))) in both.enumerate() {
                let before = Side { outcome: was, decider: entry.decider };
                let after = Side { outcome: is, decider: other.decider };
                let pieces = PieceIds { before: piece, after: piece };
                self.answer(&Query { before, after, pieces, cell: &part, preceding: &preceding }, state)?;
            }
        }
        Some(())
    }

    /// Answers a query and records the difference it finds. Returns `None` when the budget is spent.
    fn answer(&self, query: &Query<'_, '_>, state: &mut SearchState<'_>) -> Option<()> {
        let Query { before, after, pieces, cell, preceding } = *query;
        if before.outcome == after.outcome {
            return Some(());
        }
        if state.meter.exhausted() {
            return None;
        }
        let key = CoverageKey { before: before.decider, after: after.decider, pieces };
        match state.cache.coverage(self.bundles, key, cell, preceding, state.meter) {
            Coverage::Open(point) => {
                let touching = |rule: &usize| {
                    let cuboid = self.bundles.footprint(*rule).and_then(|footprint| footprint.decides.as_ref());
                    cuboid.is_some_and(|cuboid| Space::touches(cell, cuboid))
                };
                let part = Part {
                    pieces,
                    preceding: preceding.rules().filter(touching).collect(),
                    witness: Input {
                        agent: self.pair.agent.to_string(),
                        action: self.pair.action.to_string(),
                        context: self.bundles.space.context(&point),
                    },
                };
                match state.differences.iter_mut().find(|found| (found.before, found.after) == (before, after)) {
                    Some(found) => found.parts.push(part),
                    None => state.differences.push(Difference { before, after, parts: vec![part] }),
                }
            }
            Coverage::Covered(_) => {}
            Coverage::Undecided => state.undecided = true,
        }
        Some(())
    }
}

fn touches(cell: &Cell, entry: &DeciderEntry<'_>) -> bool {
    entry.cuboid.is_none_or(|cuboid| Space::touches(cell, cuboid))
}
