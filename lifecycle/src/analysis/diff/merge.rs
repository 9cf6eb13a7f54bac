//! Telling as few regions as can be.

use std::collections::HashMap;

use super::{Found, Outcome};
use crate::analysis::space::{Bits, count};

/// What must be equal for two pieces to be joined along an axis: everything but the slots on that axis.
type Alike = (Vec<Bits>, (Outcome, Option<String>), (Outcome, Option<String>));

/// Comparisons of pieces beyond which they are left as they are: exact and disjoint, only more of them.
const MOST_COMPARED: usize = 200_000;

/// Joins pieces that differ on one axis only and are answered alike, until none is left to join. Those that most inputs
/// fall into come first.
pub(super) fn merge(mut found: Vec<Found>) -> Vec<Found> {
    let axes = found.first().map_or(0, |found| found.cell.len());
    while found.len().saturating_mul(axes) <= MOST_COMPARED {
        let before = found.len();
        for axis in 0..axes {
            // Pieces are disjoint: what is the same in all of them joins nothing.
            let mut parts = found.iter().filter_map(|piece| piece.cell.get(axis));
            let first = parts.next();
            if parts.all(|part| Some(part) == first) {
                continue;
            }
            let mut joined: Vec<Found> = Vec::with_capacity(found.len());
            let mut places: HashMap<Alike, usize> = HashMap::with_capacity(found.len());
            for piece in found {
                let others = piece.cell.iter().enumerate().filter(|(at, _)| *at != axis).map(|(_, bits)| bits.clone());
                let alike = (others.collect(), piece.before.clone(), piece.after.clone());
                let place = *places.entry(alike).or_insert(joined.len());
                match joined.get_mut(place).and_then(|other| other.cell.get_mut(axis)).zip(piece.cell.get(axis)) {
                    Some((set, more)) => *set = set.iter().zip(more.iter()).map(|(a, b)| a | b).collect(),
                    None => joined.push(piece),
                }
            }
            found = joined;
        }
        // What was joined along one axis may now join along another.
        if found.len() == before {
            break;
        }
    }
    found.sort_by_key(|found| std::cmp::Reverse(found.cell.iter().map(|bits| u64::from(count(bits))).sum::<u64>()));
    found
}
