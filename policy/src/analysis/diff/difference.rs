//! The findings of a search: which deciders differ, and where.

use std::collections::BTreeSet;

use crate::{analysis::outcome::Outcome, engine::Input};

/// The decider of an input: a rule by its number, the schema by the number of its refusal, or the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Decider {
    Refusal(usize),
    Rule(usize),
    Default,
}

impl Decider {
    /// The number of the rule, when the decider is a rule.
    pub(super) const fn rule(self) -> Option<usize> {
        if let Self::Rule(rule) = self { Some(rule) } else { None }
    }
}

/// The answer of one of the two bundles, with its decider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) outcome: Outcome,
    pub(super) decider: Decider,
}

/// The numbers of two pieces among the pieces of their deciders; see
/// [`pieces`](super::bundle_pair::BundlePair::pieces).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PieceIds {
    pub(super) before: usize,
    pub(super) after: usize,
}

/// Inputs that two deciders, one before and one after, answer differently.
#[derive(Debug, Clone)]
pub(super) struct Difference {
    pub(super) before: Side,
    pub(super) after: Side,
    pub(super) parts: Vec<Part>,
}

impl Difference {
    /// Whether the two differences are equal except, at most, for the slice they were found in.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let same = |(one, two): (&Part, &Part)| one.pieces == two.pieces && one.preceding == two.preceding;
        (self.before, self.after) == (other.before, other.after)
            && self.parts.len() == other.parts.len()
            && self.parts.iter().zip(&other.parts).all(same)
    }
}

/// A cuboid of a difference. Where a rule errs, one difference consists of several slabs.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) pieces: PieceIds,
    /// Rules that decide parts of the cuboid first, in either bundle.
    pub(super) preceding: BTreeSet<usize>,
    pub(super) witness: Input,
}

/// The differences of one slice.
#[derive(Debug)]
pub(super) struct SearchResult {
    pub(super) differences: Vec<Difference>,
    /// Whether the whole slice was searched within the budget.
    pub(super) complete: bool,
}
