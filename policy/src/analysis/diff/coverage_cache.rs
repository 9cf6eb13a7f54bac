//! Whether the preceding deciders, of either bundle, take all of a cell. Answers are cached from slice to slice.

use std::collections::{BTreeSet, HashMap};

use super::{
    bundle_pair::BundlePair,
    difference::{Decider, PieceIds},
};
use crate::analysis::{
    Meter,
    bitmap_index::CuboidSubset,
    cover::{self, Coverage},
    space::{Cell, Cuboid, SlotSet},
};

/// Maximum number of cached answers.
const MAX_ENTRIES: usize = 16_384;

/// Answers of earlier slices, tried on the next slice. Rules that cover a cell cover it in every slice in which they
/// come first, and a point that was uncovered in one slice is usually uncovered in the next.
#[derive(Default)]
pub(super) struct CoverageCache(HashMap<CoverageKey, (Cell, CachedCoverage)>);

/// The subject of a cached answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CoverageKey {
    pub(super) before: Decider,
    pub(super) after: Decider,
    pub(super) pieces: PieceIds,
}

enum CachedCoverage {
    /// The rules that cover the cell.
    Covered(BTreeSet<usize>),
    /// A point of the cell that is uncovered.
    Open(Vec<usize>),
}

/// The deciders that come first in either bundle.
#[derive(Default)]
pub(super) struct PrecedingDeciders<'s> {
    /// One bit per rule, by its number.
    rules: Vec<u64>,
    /// The cuboids that schemas refuse.
    refusals: Vec<&'s Cuboid>,
}

impl<'s> PrecedingDeciders<'s> {
    /// Adds a decider with the cuboid in which it decides.
    pub(super) fn add(&mut self, decider: Decider, cuboid: Option<&'s Cuboid>) {
        match decider {
            Decider::Rule(rule) => {
                if self.rules.len() <= rule / 64 {
                    self.rules.resize(rule / 64 + 1, 0);
                }
                if let Some(word) = self.rules.get_mut(rule / 64) {
                    *word |= 1 << (rule % 64);
                }
            }
            Decider::Refusal(_) | Decider::Default => self.refusals.extend(cuboid),
        }
    }

    fn has(&self, rule: usize) -> bool {
        self.rules.get(rule / 64).is_some_and(|word| word >> (rule % 64) & 1 == 1)
    }

    /// The numbers of the rules, ascending.
    pub(super) fn rules(&self) -> impl Iterator<Item = usize> + Clone + '_ {
        let words = self.rules.iter().copied().enumerate();
        words.flat_map(|(word, bits)| (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit))
    }
}

impl CoverageCache {
    /// Whether the deciders that come first cover a cell.
    pub(super) fn coverage(
        &mut self,
        bundles: &BundlePair<'_>,
        key: CoverageKey,
        cell: &Cell,
        preceding: &PrecedingDeciders<'_>,
        meter: &mut Meter,
    ) -> Coverage {
        let cuboid = |rule| bundles.footprint(rule)?.decides.as_ref();
        let Some(index) = bundles.index.as_ref().filter(|_| preceding.refusals.is_empty()) else {
            let rules = preceding.rules().filter_map(cuboid);
            let all = rules.chain(preceding.refusals.iter().copied());
            return cover::uncovered((&bundles.space, cell), all.map(|cuboid| (0, cuboid)), meter);
        };
        let subset = CuboidSubset::of_words(&preceding.rules);
        if !meter.spend(subset.cost()) {
            return Coverage::Undecided;
        }
        match self.0.get(&key).filter(|(other, _)| other == cell) {
            Some((_, CachedCoverage::Covered(by))) if by.iter().all(|rule| preceding.has(*rule)) => {
                return Coverage::Covered(BTreeSet::new());
            }
            Some((_, CachedCoverage::Open(point))) if index.at(point, &subset).is_empty() => {
                return Coverage::Open(point.iter().map(|slot| SlotSet::of([(*slot, slot + 1)])).collect());
            }
            _ => {}
        }
        let coverage = match index.container(cell, &subset, cuboid) {
            Some(rule) => Coverage::Covered(BTreeSet::from([rule])),
            None => {
                let probe = index.probe(cell, &subset, cuboid);
                let point = probe.cell();
                if probe.held_by.is_empty() && bundles.space.is_possible(&point) {
                    Coverage::Open(point)
                } else {
                    let rules = preceding.rules().filter_map(|rule| Some((rule, cuboid(rule)?)));
                    cover::uncovered((&bundles.space, cell), rules, meter)
                }
            }
        };
        let cached = match &coverage {
            Coverage::Covered(by) => CachedCoverage::Covered(by.clone()),
            Coverage::Open(point) => CachedCoverage::Open(point.iter().filter_map(SlotSet::first).collect()),
            Coverage::Undecided => return coverage,
        };
        if self.0.len() < MAX_ENTRIES || self.0.contains_key(&key) {
            self.0.insert(key, (cell.clone(), cached));
        }
        coverage
    }
}
