//! The outcomes of one rule where it decides: cells in which the rule matches, and slabs around them in which it errs.

use super::{
    outcome::Outcome,
    space::{Cell, Footprint, Space},
};
use crate::bundle::Effect;

/// The two outcomes a rule can have where it decides.
#[derive(Debug, Clone, Copy)]
pub(super) struct RuleOutcomes {
    matched: Outcome,
    error: Outcome,
}

impl RuleOutcomes {
    /// The outcomes of a rule with this effect in a bundle with this `on_error`.
    pub(super) const fn new(effect: Effect, on_error: Effect) -> Self {
        Self { matched: Outcome::decided(effect), error: Outcome::error(on_error) }
    }
}

/// The disjoint parts of `cell` in which a rule decides, each with its outcome: the rule's effect where the rule
/// matches, and an error in the slabs around.
pub(super) fn outcome_pieces(cell: &Cell, footprint: &Footprint, outcomes: RuleOutcomes) -> Vec<(Outcome, Cell)> {
    let Some(mut rest) = footprint.decides.as_ref().and_then(|cuboid| Space::intersect(cell, cuboid)) else {
        return Vec::new();
    };
    let Some(matches) = &footprint.matches else { return vec![(outcomes.error, rest)] };
    let mut pieces = Vec::new();
    for (axis, keep) in &matches.parts {
        let Some(have) = rest.get(*axis).cloned() else { continue };
        let outside = have.minus(keep);
        if !outside.is_empty() {
            let mut slab = rest.clone();
            if let Some(set) = slab.get_mut(*axis) {
                *set = outside;
            }
            pieces.push((outcomes.error, slab));
        }
        let inside = have.and(keep);
        if inside.is_empty() {
            return pieces;
        }
        if let Some(set) = rest.get_mut(*axis) {
            *set = inside;
        }
    }
    pieces.push((outcomes.matched, rest));
    pieces
}

/// The parts of `cell` that belong to the [`outcome_pieces`] of `full`, each with the number of its piece. `cell` must
/// lie in `full`. Only pieces with a `wanted` outcome are listed.
pub(super) fn outcome_pieces_within(
    full: &Cell,
    cell: &Cell,
    footprint: &Footprint,
    outcomes: RuleOutcomes,
    wanted: impl Fn(Outcome) -> bool,
) -> Vec<(usize, Outcome, Cell)> {
    let mut found = Vec::new();
    let Some(decides) = &footprint.decides else { return found };
    let Some(mut rest) = Space::intersect(cell, decides) else { return found };
    let mut number = 0;
    for (axis, keep) in footprint.matches.iter().flat_map(|matches| &matches.parts) {
        let (Some(whole), Some(have)) = (full.get(*axis), rest.get(*axis).cloned()) else { continue };
        let decided = decides.parts.binary_search_by_key(axis, |(axis, _)| *axis).ok();
        let whole = match decided.and_then(|at| decides.parts.get(at)) {
            Some((_, decided)) => whole.and(decided),
            None => whole.clone(),
        };
        if !whole.within(keep) {
            let outside = have.minus(keep);
            if wanted(outcomes.error) && !outside.is_empty() {
                let mut slab = rest.clone();
                if let Some(set) = slab.get_mut(*axis) {
                    *set = outside;
                }
                found.push((number, outcomes.error, slab));
            }
            number += 1;
        }
        let inside = have.and(keep);
        if inside.is_empty() {
            return found;
        }
        if let Some(set) = rest.get_mut(*axis) {
            *set = inside;
        }
    }
    let outcome = if footprint.matches.is_none() { outcomes.error } else { outcomes.matched };
    if wanted(outcome) {
        found.push((number, outcome, rest));
    }
    found
}
