//! What an edit leaves as it was: a row that an earlier replay answered has another answer only where a rule that was
//! changed decided it, or where a rule that is new there decides before the one that did.

use std::collections::HashMap;

use crate::engine::{Prepared, RuleRef};

/// Rules that may be new for an edit to be followed; with more of them all rows are answered anew.
const MOST_FRESH: usize = 64;

/// Two versions of a bundle, rule by rule.
#[derive(Debug)]
pub(super) struct RuleMapping {
    /// By rank before: the rank now; none when the rule is gone, says something else or stands elsewhere.
    now: Vec<Option<u32>>,
    /// Ranks now of the rules that are not as before, ascending.
    fresh: Vec<u32>,
    /// For each of `fresh`, how many ranks before come before every kept rule behind it: a row that was decided at a rank
    /// of these or later is not decided by a kept rule ahead of it.
    ahead: Vec<usize>,
}

impl RuleMapping {
    /// What became of each rule; none when too much is new, or when what is refused has changed.
    pub(super) fn between(before: &Prepared, now: &Prepared) -> Option<Self> {
        if before.schema() != now.schema() {
            return None;
        }
        let by_id: HashMap<&str, u32> = now.rules().map(|rule| rule.id()).zip(0..).collect();
        let same = |rule: RuleRef<'_>| {
            let rank = *by_id.get(rule.id())?;
            let found = now.rule(usize::try_from(rank).ok()?)?;
            rule.has_same_scope_and_conditions(found).then_some(rank)
        };
        let found: Vec<Option<u32>> = before.rules().map(same).collect();
        let kept = in_order(&found);
        let mut is_fresh = vec![true; now.rules().len()];
        for rank in kept.iter().flatten() {
            if let Some(fresh) = usize::try_from(*rank).ok().and_then(|rank| is_fresh.get_mut(rank)) {
                *fresh = false;
            }
        }
        let fresh: Vec<u32> = (0..).zip(&is_fresh).filter(|(_, fresh)| **fresh).map(|(rank, _)| rank).collect();
        if fresh.len() > MOST_FRESH {
            return None;
        }
        let behind =
            |rank: &u32| kept.iter().rposition(|kept| kept.is_some_and(|kept| kept < *rank)).map_or(0, |at| at + 1);
        let ahead = fresh.iter().map(behind).collect();
        Some(Self { now: kept, fresh, ahead })
    }

    /// The rules that are not as before, in evaluation order.
    pub(super) fn fresh<'a>(&'a self, now: &'a Prepared) -> impl Iterator<Item = RuleRef<'a>> {
        self.fresh.iter().filter_map(|rank| now.rule(usize::try_from(*rank).ok()?))
    }

    /// The rank that decides now a row that was decided at rank `was`, where `fresh` is the first of the new rules that
    /// decides it, by its place among them. Whether it is the new rule is told, too.
    pub(super) fn rank(&self, was: Option<usize>, fresh: Option<usize>) -> Known {
        let new = fresh.and_then(|at| Some((*self.fresh.get(at)?, *self.ahead.get(at)?)));
        let kept = was.map(|was| (was, self.now.get(was).copied().flatten()));
        match (kept, new) {
            (None, None) => Known::Nothing,
            (None, Some((rank, _))) => Known::New(rank),
            (Some((_, Some(old))), None) => Known::Kept(old),
            (Some((_, Some(old))), Some((rank, _))) => {
                if rank < old {
                    Known::New(rank)
                } else {
                    Known::Kept(old)
                }
            }
            // The rule that decided is not what it was; a new one ahead of all that did not decide before takes its place.
            (Some((was, None)), Some((rank, ahead))) if ahead <= was => Known::New(rank),
            (Some((_, None)), _) => Known::Unknown,
        }
    }
}

/// What is known of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// No rule decides it.
    Nothing,
    /// The rule of this rank decides it, which decided it before, in the same way.
    Kept(u32),
    /// The rule of this rank decides it, which is new.
    New(u32),
    /// It has to be asked.
    Unknown,
}

/// The longest part of `ranks` that ascends; the others become none. (Patience sorting.)
fn in_order(ranks: &[Option<u32>]) -> Vec<Option<u32>> {
    // The place of the smallest end of an ascending part of each length, and what comes before each place.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; ranks.len()];
    for (at, rank) in ranks.iter().enumerate() {
        let Some(rank) = rank else { continue };
        let length = ends.partition_point(|end| ranks.get(*end).copied().flatten().is_some_and(|end| end < *rank));
        if let Some(link) = before.get_mut(at) {
            *link = length.checked_sub(1).and_then(|last| ends.get(last)).copied();
        }
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut kept = vec![None; ranks.len()];
    let mut next = ends.last().copied();
    while let Some(at) = next {
        if let (Some(slot), Some(rank)) = (kept.get_mut(at), ranks.get(at)) {
            *slot = *rank;
        }
        next = before.get(at).copied().flatten();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_ascending_part_is_kept() {
        let kept = |ranks: &[u32]| -> Vec<u32> {
            in_order(&ranks.iter().copied().map(Some).collect::<Vec<_>>()).into_iter().flatten().collect()
        };
        assert_eq!(kept(&[0, 1, 2, 3]), [0, 1, 2, 3]);
        // One rule moved down, and one moved up.
        assert_eq!(kept(&[0, 3, 1, 2]), [0, 1, 2]);
        assert_eq!(kept(&[1, 2, 3, 0]), [1, 2, 3]);
        assert_eq!(in_order(&[None, Some(5), None, Some(2), Some(7)]), [None, None, None, Some(2), Some(7)]);
    }
}
