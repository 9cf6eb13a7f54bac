//! Sets of slots of one axis, as runs of neighbours: a threshold is one run, however many slots there are.

use std::{iter::once, sync::Arc};

/// Neighbouring slots: from the first up to, but not including, the second.
pub type Run = (usize, usize);

/// A set of slots of one axis.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotSet(Runs);

/// Ascending runs, none of them empty, no two of which touch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Runs {
    None,
    /// Most sets are one run, which needs no memory of its own.
    One([Run; 1]),
    // INVARIANT: two runs or more.
    Many(Arc<[Run]>),
}

impl SlotSet {
    /// The first `count` slots.
    pub fn first_of(count: usize) -> Self {
        Self::of(once((0, count)))
    }

    /// The slots of `runs`, which come in ascending order; neighbouring runs are joined.
    pub fn of(runs: impl IntoIterator<Item = Run>) -> Self {
        let mut head: Option<Run> = None;
        let mut more: Vec<Run> = Vec::new();
        for (start, end) in runs.into_iter().filter(|(start, end)| start < end) {
            let last = more.last_mut().or(head.as_mut());
            match last {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                Some(_) => {
                    if more.is_empty() {
                        more.extend(head);
                    }
                    more.push((start, end));
                }
                None => head = Some((start, end)),
            }
        }
        Self(match (head, more.as_slice()) {
            (_, [_, _, ..]) => Runs::Many(more.into()),
            (Some(one), _) => Runs::One([one]),
            (None, _) => Runs::None,
        })
    }

    /// The slots among the first `count` for which `keep` is true.
    pub fn those(count: usize, keep: impl Fn(usize) -> bool) -> Self {
        Self::of((0..count).filter(|slot| keep(*slot)).map(|slot| (slot, slot + 1)))
    }

    /// The runs, ascending; no two touch.
    pub fn runs(&self) -> &[Run] {
        match &self.0 {
            Runs::None => &[],
            Runs::One(run) => run,
            Runs::Many(runs) => runs,
        }
    }

    /// Whether the set contains the slot.
    pub fn has(&self, slot: usize) -> bool {
        let runs = self.runs();
        let after = runs.partition_point(|(_, end)| *end <= slot);
        runs.get(after).is_some_and(|(start, _)| *start <= slot)
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.runs().is_empty()
    }

    /// The number of slots.
    pub fn count(&self) -> usize {
        self.runs().iter().map(|(start, end)| end - start).sum()
    }

    /// The first slot.
    pub fn first(&self) -> Option<usize> {
        self.runs().first().map(|(start, _)| *start)
    }

    /// The intersection of the two sets, as runs.
    pub fn shared<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Run> + 'a {
        let (mut mine, mut theirs) = (self.runs(), other.runs());
        std::iter::from_fn(move || {
            loop {
                let (one, two) = (*mine.first()?, *theirs.first()?);
                if one.1 <= two.1 {
                    mine = mine.get(1..)?;
                } else {
                    theirs = theirs.get(1..)?;
                }
                let (start, end) = (one.0.max(two.0), one.1.min(two.1));
                if start < end {
                    return Some((start, end));
                }
            }
        })
    }

    /// Whether some slot is in both sets.
    pub fn intersects(&self, other: &Self) -> bool {
        self.shared(other).next().is_some()
    }

    /// Whether every slot of this set is in `other`.
    pub fn within(&self, other: &Self) -> bool {
        let theirs = other.runs();
        self.runs().iter().all(|(start, end)| {
            let from = theirs.partition_point(|(_, last)| last < end);
            theirs.get(from).is_some_and(|(first, _)| first <= start)
        })
    }

    /// The slots that are in both sets.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self::of(self.shared(other))
    }

    /// The slots of this set that are not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let taken = other.runs();
        Self::of(self.runs().iter().flat_map(|(start, end)| {
            let from = taken.partition_point(|(_, last)| last <= start);
            let cuts = taken.get(from..).unwrap_or_default().iter().take_while(|(first, _)| first < end);
            let starts = once(*start).chain(cuts.clone().map(|(_, last)| *last));
            let ends = cuts.map(|(first, _)| *first).chain(once(*end));
            starts.zip(ends)
        }))
    }

    /// The slots that are in either set.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let mut runs: Vec<Run> = self.runs().iter().chain(other.runs()).copied().collect();
        runs.sort_unstable();
        Self::of(runs)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sets_are_what_their_slots_say(a: u32, b: u32, other in 0_usize..40) {
            let set = |bits: u32| SlotSet::those(32, |slot| bits >> slot & 1 == 1);
            let (one, two) = (set(a), set(b));
            prop_assert_eq!(one.and(&two), set(a & b));
            prop_assert_eq!(one.minus(&two), set(a & !b));
            prop_assert_eq!(one.or(&two), set(a | b));
            prop_assert_eq!(one.intersects(&two), a & b != 0);
            prop_assert_eq!(one.within(&two), a & !b == 0);
            prop_assert!(one.and(&two).within(&one) && one.within(&one.or(&two)));
            prop_assert_eq!(one.count(), a.count_ones() as usize);
            prop_assert_eq!(one.has(other), other < 32 && a >> other & 1 == 1);
            prop_assert_eq!(one.first(), (a != 0).then_some(a.trailing_zeros() as usize));
        }
    }
}
