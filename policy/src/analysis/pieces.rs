//! What a rule answers where it decides: boxes in which it matches, and slabs around them in which it errs.

use super::space::{Cell, Footprint, Space};
use crate::bundle::Effect;

/// What an answer amounts to, apart from who gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A rule or the default.
    Decided(Effect),
    /// An evaluation error.
    Error,
}

/// The disjoint parts of `cell` in which a rule decides, each with what it answers there: its effect where it matches,
/// an error in the slabs around.
pub(super) fn pieces(cell: &Cell, footprint: &Footprint, effect: Effect) -> Vec<(Outcome, Cell)> {
    let Some(mut rest) = footprint.decides.as_ref().and_then(|region| Space::intersect(cell, region)) else {
        return Vec::new();
    };
    let Some(matches) = &footprint.matches else { return vec![(Outcome::Error, rest)] };
    let mut pieces = Vec::new();
    for (axis, keep) in &matches.parts {
        let Some(have) = rest.get(*axis).cloned() else { continue };
        let outside = have.minus(keep);
        if !outside.is_empty() {
            let mut slab = rest.clone();
            if let Some(set) = slab.get_mut(*axis) {
                *set = outside;
            }
            pieces.push((Outcome::Error, slab));
        }
        let inside = have.and(keep);
        if inside.is_empty() {
            return pieces;
        }
        if let Some(set) = rest.get_mut(*axis) {
            *set = inside;
        }
    }
    pieces.push((Outcome::Decided(effect), rest));
    pieces
}

/// The [`pieces`] of `full`, with their numbers and whether the rule errs there, as far as they lie in `cell`, which lies
/// in `full`. Only those that are wanted of what errs and of what does not.
pub(super) fn pieces_inside(
    full: &Cell,
    cell: &Cell,
    footprint: &Footprint,
    wanted: impl Fn(bool) -> bool,
) -> Vec<(usize, bool, Cell)> {
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
            if wanted(true) && !outside.is_empty() {
                let mut slab = rest.clone();
                if let Some(set) = slab.get_mut(*axis) {
                    *set = outside;
                }
                found.push((number, true, slab));
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
    let errs = footprint.matches.is_none();
    if wanted(errs) {
        found.push((number, errs, rest));
    }
    found
}
