//! What a search tells: who decides what, before and after.

use std::collections::BTreeSet;

use super::Outcome;
use crate::engine::Input;

/// Who decides: a rule by its position, the schema by the number of its refusal, or the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Decider {
    Refusal(usize),
    Rule(usize),
    Default,
}

/// What two deciders, one before and one after, decide and answer otherwise.
#[derive(Debug, Clone)]
pub(super) struct Difference {
    pub(super) before: (Outcome, Decider),
    pub(super) after: (Outcome, Decider),
    pub(super) parts: Vec<Part>,
}

impl Difference {
    /// Whether it is the same but for where it was found.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let parts = |found: &Self| found.parts.len();
        let same = |(one, two): (&Part, &Part)| one.pieces == two.pieces && one.first == two.first;
        (self.before, self.after) == (other.before, other.after)
            && parts(self) == parts(other)
            && self.parts.iter().zip(&other.parts).all(same)
    }
}

/// A box of it: where a rule is in error, that is several slabs.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// The numbers of the pieces of both deciders; see [`pieces`](super::search::Sides::pieces).
    pub(super) pieces: (usize, usize),
    /// Rules that decide parts of the box first, in either bundle.
    pub(super) first: BTreeSet<usize>,
    pub(super) witness: Input,
}
