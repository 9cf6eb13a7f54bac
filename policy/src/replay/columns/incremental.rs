//! Reusing an earlier replay after an edit: a row's answer changes only where a changed rule decided the row, or where
//! a new rule comes before the rule that decided it and also decides the row.

use std::collections::HashMap;

use crate::engine::{Prepared, RuleRef};

/// Maximum number of new rules for an incremental replay; with more new rules, all rows are evaluated.
const MAX_FRESH: usize = 64;

/// The rules of two versions of a bundle, mapped to each other.
#[derive(Debug)]
pub(super) struct RuleMapping {
    /// The present rank of each rule, by its former rank; `None` when the rule was removed, edited or moved.
    now: Vec<Option<u32>>,
    /// The present ranks of the new, edited and moved rules, ascending.
    fresh: Vec<u32>,
    /// For each of `fresh`, one more than the former rank of the last unchanged rule ahead of it. A row that was
    /// decided at this former rank or later is not decided by any unchanged rule ahead of the fresh rule.
    ahead: Vec<usize>,
}

impl RuleMapping {
    /// The mapping of two versions; `None` when too many rules are new or when the schema has changed.
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
        let kept = longest_ascending(&found);
        let mut is_fresh = vec![true; now.rules().len()];
        for rank in kept.iter().flatten() {
            if let Some(fresh) = usize::try_from(*rank).ok().and_then(|rank| is_fresh.get_mut(rank)) {
                *fresh = false;
            }
        }
        let fresh: Vec<u32> = (0..).zip(&is_fresh).filter(|(_, fresh)| **fresh).map(|(rank, _)| rank).collect();
        if fresh.len() > MAX_FRESH {
            return None;
        }
        let behind =
            |rank: &u32| kept.iter().rposition(|kept| kept.is_some_and(|kept| kept < *rank)).map_or(0, |at| at + 1);
        let ahead = fresh.iter().map(behind).collect();
        Some(Self { now: kept, fresh, ahead })
    }

    /// The new, edited and moved rules, in evaluation order.
    pub(super) fn fresh<'a>(&'a self, now: &'a Prepared) -> impl Iterator<Item = RuleRef<'a>> {
        self.fresh.iter().filter_map(|rank| now.rule(usize::try_from(*rank).ok()?))
    }

    /// The present decider of a row that was decided at rank `was`. `fresh` is the position, among the fresh rules, of
    /// the first fresh rule that decides the row.
    pub(super) fn decider(&self, was: Option<usize>, fresh: Option<usize>) -> RowDecider {
        let new = fresh.and_then(|at| Some((*self.fresh.get(at)?, *self.ahead.get(at)?)));
        let kept = was.map(|was| (was, self.now.get(was).copied().flatten()));
        match (kept, new) {
            (None, None) => RowDecider::Nothing,
            (None, Some((rank, _))) => RowDecider::Fresh(rank),
            (Some((_, Some(old))), None) => RowDecider::Unchanged(old),
            (Some((_, Some(old))), Some((rank, _))) => {
                if rank < old {
                    RowDecider::Fresh(rank)
                } else {
                    RowDecider::Unchanged(old)
                }
            }
            // The rule that decided the row has changed, and a fresh rule that comes before every other candidate takes
            // its place.
            (Some((was, None)), Some((rank, ahead))) if ahead <= was => RowDecider::Fresh(rank),
            (Some((_, None)), _) => RowDecider::Unknown,
        }
    }
}

/// The decider of a row, as far as the mapping shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowDecider {
    /// No rule.
    Nothing,
    /// The unchanged rule of this rank, which decided the row before.
    Unchanged(u32),
    /// The fresh rule of this rank.
    Fresh(u32),
    /// The row must be evaluated.
    Unknown,
}

/// A longest ascending subsequence of `ranks` (patience sorting); all other ranks become `None`.
fn longest_ascending(ranks: &[Option<u32>]) -> Vec<Option<u32>> {
    // For each length, the position of the smallest end of an ascending subsequence of that length; and the predecessor
    // of each position.
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
    fn a_longest_ascending_subsequence_is_found() {
        let kept = |ranks: &[u32]| -> Vec<u32> {
            longest_ascending(&ranks.iter().copied().map(Some).collect::<Vec<_>>()).into_iter().flatten().collect()
        };
        assert_eq!(kept(&[0, 1, 2, 3]), [0, 1, 2, 3]);
        // One rule moved down, then one rule moved up.
        assert_eq!(kept(&[0, 3, 1, 2]), [0, 1, 2]);
        assert_eq!(kept(&[1, 2, 3, 0]), [1, 2, 3]);
        assert_eq!(longest_ascending(&[None, Some(5), None, Some(2), Some(7)]), [None, None, None, Some(2), Some(7)]);
    }
}
