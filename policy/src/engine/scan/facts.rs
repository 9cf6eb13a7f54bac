//! The facts of a context: its values at the paths that a bundle reads.

use super::paths::Paths;
use crate::engine::{
    Fact,
    compiled::fact_source::{FactSource, TextNumberCache},
};

/// The number of slots that need no allocation.
pub(in crate::engine) const FEW: usize = 32;

/// The values of a context at the paths.
#[derive(Debug)]
pub(in crate::engine) struct ContextFacts<'a> {
    paths: &'a Paths,
    slots: &'a [Fact<'a>],
    known: TextNumberCache,
}

impl<'a> ContextFacts<'a> {
    /// `slots` as they were filled for `paths`.
    #[inline]
    pub(in crate::engine) fn new(paths: &'a Paths, slots: &'a [Fact<'a>]) -> Self {
        Self { paths, slots, known: TextNumberCache::default() }
    }
}

impl FactSource for ContextFacts<'_> {
    fn fact(&self, field: u32) -> Fact<'_> {
        let at = |slot: u32| self.slots.get(slot as usize).copied().unwrap_or(Fact::Missing);
        match (at(field), self.paths.flat_slots(field)) {
            (Fact::Missing, Some(flat)) if at(flat.first_segment) == Fact::Missing => at(flat.value),
            (fact, _) => fact,
        }
    }

    #[inline]
    fn text(&self, field: u32, find: impl FnOnce() -> Option<u32>) -> Option<u32> {
        self.known.number(field, find)
    }
}
