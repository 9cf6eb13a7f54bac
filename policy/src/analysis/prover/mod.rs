//! The questions of the analysis. Each is answered slice by slice from the rules that address the slice.

mod reachability;
mod relevance;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use super::{
    Meter,
    bitmap_index::{BitmapIndex, CuboidSubset},
    cover::{Coverage, uncovered},
    geometry::{BundleGeometry, Entry, Key, Slice},
    outcome_pieces::RuleOutcomes,
    space::{Cell, Cuboid, Space},
};
use crate::{
    bundle::{Bundle, Effect},
    engine::Input,
};

/// The result of proving a statement about a rule, a pair of rules or a slice.
#[derive(Debug, Clone)]
pub enum Proof {
    /// The statement is true for some input, of which this is one.
    Witness(Arc<Input>),
    /// The statement is true for no input as long as these rules exist: the rules cover everything in question.
    Never(Vec<Key>),
    /// The work budget ran out.
    Undecided,
}

/// Words of an index that take as long to build as one unit of work takes.
const WORDS_PER_UNIT: u64 = 16;
/// How many recent covers are kept and tried on the next slices.
const PROOFS: usize = 24;

/// Proves statements about a bundle that has been laid out.
pub struct Prover<'a> {
    /// The rules and slices.
    pub geometry: &'a BundleGeometry,
    default: Effect,
    on_error: Effect,
    /// The work that may be spent.
    pub meter: Meter,
    /// The cuboids in which rules decide, by rank; `None` before the index pays off, and where the index would be too
    /// large.
    index: Option<BitmapIndex>,
    /// What the meter has left when searches have cost as much as the index would cost; the index is then built. `None`
    /// once the index is built or found too large.
    build_index_at: Option<u64>,
    /// The last cells that were proven covered, each with the rules that cover it. These rules cover the cell in every
    /// slice that they are part of.
    proofs: VecDeque<(Cell, BTreeSet<usize>)>,
}

impl<'a> Prover<'a> {
    /// A prover that may spend what the meter has left.
    pub fn new(geometry: &'a BundleGeometry, bundle: &Bundle, meter: Meter) -> Self {
        let making = BitmapIndex::words(&geometry.space, geometry.order.len()) / WORDS_PER_UNIT;
        let build_index_at = Some(meter.left().saturating_sub(making));
        let (default, on_error) = (bundle.default_effect, bundle.on_error);
        Self { geometry, default, on_error, meter, index: None, build_index_at, proofs: VecDeque::new() }
    }

    /// Builds the index once it pays off. A few questions are answered faster without the index, and the number of
    /// questions is not known in advance; this strategy takes at most twice the time of the better choice.
    fn build_index_if_due(&mut self) {
        if self.build_index_at.is_some_and(|at| self.meter.left() <= at) {
            self.build_index_at = None;
            let cuboids = (0..self.geometry.order.len()).map(|rank| self.cuboid(rank));
            self.index = BitmapIndex::new(&self.geometry.space, cuboids, &mut self.meter.clone());
        }
    }

    /// The cuboid in which the rule of this rank decides.
    fn cuboid(&self, rank: usize) -> Option<&'a Cuboid> {
        self.geometry.ranked(rank)?.footprint.decides.as_ref()
    }

    /// Whether the rules of a slice before `end`, except one, cover a cell.
    fn coverage(&mut self, slice: &Slice, cell: &Cell, end: usize, except: Option<usize>) -> Coverage {
        if let Some(coverage) = self.quick_coverage(slice, cell, end, except) {
            return coverage;
        }
        let cuboids = self.geometry.deciding(slice).take_while(|(rank, _)| *rank < end);
        let coverage =
            uncovered((&self.geometry.space, cell), cuboids.filter(|(rank, _)| Some(*rank) != except), &mut self.meter);
        if let Coverage::Covered(by) = &coverage {
            self.cache_proof(cell, by);
        }
        coverage
    }

    /// The [`coverage`](Self::coverage), where it can be found quickly, without a search.
    fn quick_coverage(&mut self, slice: &Slice, cell: &Cell, end: usize, except: Option<usize>) -> Option<Coverage> {
        self.build_index_if_due();
        let index = self.index.as_ref()?;
        let here = |rank: &usize| *rank < end && Some(*rank) != except && slice.pair.rules.binary_search(rank).is_ok();
        if let Some((_, by)) = self.proofs.iter().find(|(covered, by)| covered == cell && by.iter().all(here)) {
            return Some(Coverage::Covered(by.clone()));
        }
        let subset = rules_before(slice, end, except);
        if !self.meter.spend(subset.cost()) {
            return Some(Coverage::Undecided);
        }
        let cuboid = |rank| self.cuboid(rank);
        if let Some(rank) = index.container(cell, &subset, cuboid) {
            let by = BTreeSet::from([rank]);
            self.cache_proof(cell, &by);
            return Some(Coverage::Covered(by));
        }
        let probe = index.probe(cell, &subset, cuboid);
        let cell = probe.cell();
        (probe.held_by.is_empty() && self.geometry.space.is_possible(&cell)).then_some(Coverage::Open(cell))
    }

    fn cache_proof(&mut self, cell: &Cell, by: &BTreeSet<usize>) {
        self.proofs.truncate(PROOFS - 1);
        self.proofs.push_front((cell.clone(), by.clone()));
    }

    fn input(&self, slice: &Slice, cell: &Cell) -> Arc<Input> {
        Arc::new(Input {
            agent: slice.pair.agent.to_string(),
            action: slice.pair.action.to_string(),
            context: self.geometry.space.context(cell),
        })
    }

    fn outcomes(&self, entry: &Entry) -> RuleOutcomes {
        RuleOutcomes::new(entry.rule.effect, self.on_error)
    }

    fn keys(&self, ranks: impl IntoIterator<Item = usize>) -> Vec<Key> {
        ranks.into_iter().filter_map(|rank| self.geometry.order.get(rank).copied()).collect()
    }

    /// The inputs of a slice that the rule matches; `None` when it matches no input there.
    fn matching(entry: &Entry, slice: &Slice) -> Option<Cell> {
        Space::intersect(slice.full.as_ref()?, entry.footprint.matches.as_ref()?)
    }

    /// Whether some input that both rules match reaches the first.
    pub fn prove_overlap(&mut self, first: &Entry, second: &Entry) -> Proof {
        let geometry = self.geometry;
        let fewer = if first.slices.len() <= second.slices.len() { first } else { second };
        let mut slices: Vec<&Slice> = fewer.slices.iter().filter_map(|index| geometry.slices.get(*index)).collect();
        // Names that an author wrote make better examples than stand-ins.
        slices.sort_by_key(|slice| !slice.pair.named());
        let mut used = BTreeSet::new();
        let mut undecided = false;
        for slice in slices {
            let addresses = |entry: &Entry| slice.pair.rules.binary_search(&entry.rank).is_ok();
            if !(addresses(first) && addresses(second)) {
                continue;
            }
            let both = Self::matching(first, slice)
                .zip(second.footprint.matches.as_ref())
                .and_then(|(cell, cuboid)| Space::intersect(&cell, cuboid));
            let Some(both) = both else { continue };
            match self.coverage(slice, &both, first.rank, None) {
                Coverage::Open(cell) => return Proof::Witness(self.input(slice, &cell)),
                Coverage::Covered(by) => used.extend(by),
                Coverage::Undecided => undecided = true,
            }
        }
        if undecided { Proof::Undecided } else { Proof::Never(self.keys(used)) }
    }

    /// Whether some input of the slice reaches no rule.
    pub fn prove_gap(&mut self, slice: &Slice) -> Proof {
        let Some(full) = &slice.full else { return Proof::Never(Vec::new()) };
        match self.coverage(slice, full, usize::MAX, None) {
            Coverage::Open(cell) => Proof::Witness(self.input(slice, &cell)),
            Coverage::Covered(used) => Proof::Never(self.keys(used)),
            Coverage::Undecided => Proof::Undecided,
        }
    }

    /// Whether the rule at rank `by`, which comes before `entry`, decides some input that `entry` matches.
    pub fn prove_preempted(&mut self, entry: &Entry, by: usize) -> Proof {
        let geometry = self.geometry;
        let Some(other) = geometry.ranked(by) else { return Proof::Never(Vec::new()) };
        let mut undecided = false;
        let mut slices: Vec<&Slice> = entry.slices.iter().filter_map(|index| geometry.slices.get(*index)).collect();
        slices.sort_by_key(|slice| !slice.pair.named());
        for slice in slices.into_iter().filter(|slice| slice.pair.rules.binary_search(&by).is_ok()) {
            let both = Self::matching(entry, slice)
                .zip(other.footprint.decides.as_ref())
                .and_then(|(cell, cuboid)| Space::intersect(&cell, cuboid));
            let Some(both) = both else { continue };
            match self.coverage(slice, &both, by, None) {
                Coverage::Open(cell) => return Proof::Witness(self.input(slice, &cell)),
                Coverage::Covered(_) => {}
                Coverage::Undecided => undecided = true,
            }
        }
        if undecided { Proof::Undecided } else { Proof::Never(Vec::new()) }
    }

    /// An input of any slice that the rule matches, whichever rule decides it.
    pub fn example(&mut self, entry: &Entry) -> Option<Arc<Input>> {
        let mut slices: Vec<&Slice> =
            entry.slices.iter().filter_map(|index| self.geometry.slices.get(*index)).collect();
        slices.sort_by_key(|slice| !slice.pair.named());
        slices.into_iter().find_map(|slice| {
            let matching = Self::matching(entry, slice)?;
            match uncovered((&self.geometry.space, &matching), std::iter::empty(), &mut self.meter) {
                Coverage::Open(cell) => Some(self.input(slice, &cell)),
                Coverage::Covered(_) | Coverage::Undecided => None,
            }
        })
    }
}

/// The rules of a slice before `end`, except one.
fn rules_before(slice: &Slice, end: usize, except: Option<usize>) -> CuboidSubset {
    let before = slice.pair.rules.iter().copied().take_while(|rank| *rank < end);
    CuboidSubset::of(before.filter(|rank| Some(*rank) != except))
}

#[cfg(test)]
mod tests;
