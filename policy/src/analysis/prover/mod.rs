//! The questions of the analysis. Each is asked slice by slice of the rules that address it.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use super::{
    Meter,
    bitmap_index::{BitmapIndex, CuboidSubset},
    cover::{Boxes, Coverage, Covering, uncovered},
    geometry::{BundleGeometry, Entry, Key, Slice},
    outcome::Outcome,
    outcome_pieces::{RuleOutcomes, outcome_pieces},
    space::{Cell, Cuboid, Space},
};
use crate::{
    bundle::{Bundle, Effect},
    engine::Input,
};

/// What was found about a rule, a pair of rules or a slice.
#[derive(Debug, Clone)]
pub enum Proof {
    /// This input shows that it is so.
    Witness(Arc<Input>),
    /// It is so for no input, as long as these rules are there: they cover everything in question.
    Never(Vec<Key>),
    /// The work budget ran out.
    Undecided,
}

/// Words of a index that take as long to make as one unit of work.
const WORDS_PER_UNIT: u64 = 16;
/// Proofs that are tried on the next slices.
const PROOFS: usize = 24;

/// A bundle laid out, to be asked.
pub struct Prover<'a> {
    /// The rules and slices.
    pub geometry: &'a BundleGeometry,
    default: Effect,
    on_error: Effect,
    /// What may be spent.
    pub meter: Meter,
    /// Where rules decide, by rank; none before it is worth it, and where it would be too large.
    index: Option<BitmapIndex>,
    /// What the meter has left when searching has cost as much as making the index, which is then made; none once it was.
    build_index_at: Option<u64>,
    /// Cells with the rules that cover them, found last. What covers a cell covers it in each slice it is in.
    proofs: VecDeque<(Cell, BTreeSet<usize>)>,
}

impl<'a> Prover<'a> {
    /// One that may spend what the meter has.
    pub fn new(geometry: &'a BundleGeometry, bundle: &Bundle, meter: Meter) -> Self {
        let making = BitmapIndex::words(&geometry.space, geometry.order.len()) / WORDS_PER_UNIT;
        let build_index_at = Some(meter.left().saturating_sub(making));
        let (default, on_error) = (bundle.default_effect, bundle.on_error);
        Self { geometry, default, on_error, meter, index: None, build_index_at, proofs: VecDeque::new() }
    }

    /// Makes the index once it is worth it. A few questions are answered sooner without, and nobody knows how many will be
    /// asked: so at most twice the time is taken that the better way would have.
    fn build_index_if_due(&mut self) {
        if self.build_index_at.is_some_and(|at| self.meter.left() <= at) {
            self.build_index_at = None;
            let boxes = (0..self.geometry.order.len()).map(|rank| self.cuboid(rank));
            self.index = BitmapIndex::new(&self.geometry.space, boxes, &mut self.meter.clone());
        }
    }

    /// Where the rule of this rank decides.
    fn cuboid(&self, rank: usize) -> Option<&'a Cuboid> {
        self.geometry.ranked(rank)?.footprint.decides.as_ref()
    }

    /// Whether some of the rules of a slice take all of a cell: those before `end`, and not `except`.
    fn coverage(&mut self, slice: &Slice, cell: &Cell, end: usize, except: Option<usize>) -> Coverage {
        if let Some(coverage) = self.quick_coverage(slice, cell, end, except) {
            return coverage;
        }
        let boxes = self.geometry.deciding(slice).take_while(|(rank, _)| *rank < end);
        let coverage = uncovered(cell, boxes.filter(|(rank, _)| Some(*rank) != except), &mut self.meter);
        if let Coverage::Covered(by) = &coverage {
            self.cache_proof(cell, by);
        }
        coverage
    }

    /// The same where it is soon found, without a search.
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
        probe.held_by.is_empty().then(|| Coverage::Open(probe.cell()))
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

    /// Where the rule matches in a slice; none when that is nowhere.
    fn matching(entry: &Entry, slice: &Slice) -> Option<Cell> {
        Space::intersect(slice.full.as_ref()?, entry.footprint.matches.as_ref()?)
    }

    /// Whether some input is decided by the rule matching. When none is, the rules that are named are a smallest set that
    /// covers all it asks for, of those the one that an author sees first; empty when it asks for nothing.
    pub fn prove_reachable(&mut self, entry: &Entry) -> Proof {
        let geometry = self.geometry;
        let slices: Vec<(&Slice, Cell)> = entry
            .slices
            .iter()
            .filter_map(|index| geometry.slices.get(*index))
            .filter_map(|slice| Some((slice, Self::matching(entry, slice)?)))
            .collect();
        let mut coverings = Vec::new();
        let mut used = BTreeSet::new();
        let mut undecided = false;
        let mut unsettled: Vec<&(&Slice, Cell)> = Vec::new();
        for at in &slices {
            match self.quick_coverage(at.0, &at.1, entry.rank, None) {
                Some(Coverage::Open(cell)) => return Proof::Witness(self.input(at.0, &cell)),
                Some(Coverage::Covered(by)) if slices.len() > 1 => used.extend(by),
                // What covers a single slice is wanted as few as can be.
                Some(Coverage::Covered(_)) | None => unsettled.push(at),
                Some(Coverage::Undecided) => return Proof::Undecided,
            }
        }
        for (slice, cell) in unsettled {
            let before = geometry.deciding(slice).take_while(|(rank, _)| *rank < entry.rank);
            if self.meter.exhausted() {
                return Proof::Undecided;
            }
            let Some(covering) = Covering::new(cell, before, Boxes::UpToAContaining, &mut self.meter) else {
                undecided = true;
                continue;
            };
            match covering.solve(|_| true, &mut self.meter) {
                Coverage::Open(cell) => return Proof::Witness(self.input(slice, &cell)),
                Coverage::Covered(by) => used.extend(by),
                Coverage::Undecided => undecided = true,
            }
            coverings.push(covering);
        }
        if undecided {
            return Proof::Undecided;
        }
        // A rule that could be left out of one slice may be needed in another, where it makes a third needless.
        if slices.len() > 1 {
            let all = slices.iter().map(|(slice, cell)| {
                let before = geometry.deciding(slice).take_while(|(rank, _)| *rank < entry.rank);
                Covering::new(cell, before, Boxes::All, &mut self.meter)
            });
            let Some(all) = all.collect() else { return Proof::Undecided };
            coverings = all;
        }
        let cover = self.minimize_cover(&coverings, used);
        if self.meter.exhausted() {
            // They cover it, but perhaps not all of them are needed, and nobody would look again.
            return Proof::Undecided;
        }
        Proof::Never(self.keys(cover))
    }

    /// Leaves out of all boxes that cover what they can do without, the last first; what cannot be decided stays.
    fn minimize_cover(&mut self, coverings: &[Covering<'_>], mut used: BTreeSet<usize>) -> BTreeSet<usize> {
        let mut kept: BTreeSet<usize> = BTreeSet::new();
        // INVARIANT: `kept` with all boxes before `end` cover everything, and `used` among them do.
        let mut end = usize::MAX;
        while let Some(last) = used.range(..end).next_back().copied() {
            // No box between `last` and `end` is needed. Is `last`?
            end = last;
            let mut proof = Some(BTreeSet::new());
            for covering in coverings {
                match covering.solve(|name| name < end || kept.contains(&name), &mut self.meter) {
                    Coverage::Covered(by) => proof.iter_mut().for_each(|proof| proof.extend(by.iter().copied())),
                    Coverage::Open(_) | Coverage::Undecided => proof = None,
                }
                if proof.is_none() {
                    break;
                }
            }
            match proof {
                Some(proof) => used = proof,
                None => {
                    kept.insert(last);
                }
            }
        }
        kept
    }

    /// Whether some input would be answered otherwise without the rule.
    pub fn prove_relevant(&mut self, entry: &Entry) -> Proof {
        let geometry = self.geometry;
        let slices = || entry.slices.iter().filter_map(|index| geometry.slices.get(*index));
        // Most rules decide something that would otherwise be answered otherwise, which is soon found; where it is
        // answered like the default, it is where the rule errs.
        for slice in slices() {
            let Some(full) = &slice.full else { continue };
            for (outcome, piece) in outcome_pieces(full, &entry.footprint, self.outcomes(entry)).into_iter().rev() {
                if let Some(input) = self.quick_witness(slice, entry, outcome, &piece) {
                    return Proof::Witness(input);
                }
            }
        }
        let mut undecided = false;
        // Errors mostly stand in for errors: where the rule matches is looked at first.
        for errs in [false, true] {
            for slice in slices() {
                let Some(full) = &slice.full else { continue };
                for (outcome, piece) in outcome_pieces(full, &entry.footprint, self.outcomes(entry)) {
                    if errs != outcome.error {
                        continue;
                    }
                    match self.prove_relevant_in(slice, entry, outcome, &piece) {
                        Proof::Witness(input) => return Proof::Witness(input),
                        Proof::Never(_) => {}
                        Proof::Undecided => undecided = true,
                    }
                    if self.meter.exhausted() {
                        return Proof::Undecided;
                    }
                }
            }
        }
        if undecided { Proof::Undecided } else { Proof::Never(Vec::new()) }
    }

    /// An input of a part of a slice that would be answered otherwise than by `outcome` without the rule, if one is soon
    /// found.
    fn quick_witness(&mut self, slice: &Slice, entry: &Entry, outcome: Outcome, piece: &Cell) -> Option<Arc<Input>> {
        self.build_index_if_due();
        let geometry = self.geometry;
        let Some(index) = &self.index else {
            let others = geometry.deciding(slice).filter(|(rank, _)| *rank != entry.rank);
            let may_show = outcome != Outcome::decided(self.default);
            return match may_show.then(|| uncovered(piece, others, &mut self.meter)) {
                Some(Coverage::Open(cell)) => Some(self.input(slice, &cell)),
                _ => None,
            };
        };
        let others = rules_before(slice, usize::MAX, Some(entry.rank));
        if !self.meter.spend(2 * others.cost()) {
            return None;
        }
        // Best where nothing else decides; else where nothing does before.
        let mut probe = index.probe(piece, &others, |rank| self.cuboid(rank));
        if probe.held_by.first().is_some_and(|rank| rank < entry.rank) {
            probe = index.probe(piece, &rules_before(slice, entry.rank, None), |rank| self.cuboid(rank));
            if !probe.held_by.is_empty() {
                return None;
            }
            probe.held_by = index.at(&probe.point, &others);
        }
        let cell = probe.cell();
        let instead = match probe.held_by.first().and_then(|rank| geometry.ranked(rank)) {
            Some(other) => match other.footprint.matches.as_ref().filter(|cuboid| Space::touches(&cell, cuboid)) {
                Some(_) => Outcome::decided(other.rule.effect),
                None => Outcome::error(self.on_error),
            },
            None => Outcome::decided(self.default),
        };
        (instead != outcome).then(|| self.input(slice, &cell))
    }

    /// The same for a part of a slice in which the rule answers `outcome`.
    fn prove_relevant_in(&mut self, slice: &Slice, entry: &Entry, outcome: Outcome, piece: &Cell) -> Proof {
        let geometry = self.geometry;
        let mut undecided = match self.coverage(slice, piece, entry.rank, None) {
            Coverage::Covered(_) => return Proof::Never(Vec::new()),
            Coverage::Open(_) => false,
            Coverage::Undecided => true,
        };
        if outcome != Outcome::decided(self.default) {
            match self.coverage(slice, piece, usize::MAX, Some(entry.rank)) {
                Coverage::Open(cell) => return Proof::Witness(self.input(slice, &cell)),
                Coverage::Covered(_) => {}
                Coverage::Undecided => undecided = true,
            }
        }
        // The rules after this one, as the answers that would stand in: each takes what no rule before it takes.
        for rank in slice.pair.rules.iter().copied().filter(|rank| *rank > entry.rank) {
            let Some(other) = geometry.ranked(rank) else { continue };
            if !self.meter.spend(1) {
                return Proof::Undecided;
            }
            let Some(cuboid) = other.footprint.decides.as_ref().filter(|cuboid| Space::touches(piece, cuboid)) else {
                continue;
            };
            for (instead, part) in outcome_pieces(piece, &other.footprint, self.outcomes(other)) {
                if instead == outcome {
                    continue;
                }
                match self.coverage(slice, &part, rank, Some(entry.rank)) {
                    Coverage::Open(cell) => return Proof::Witness(self.input(slice, &cell)),
                    Coverage::Covered(_) => {}
                    Coverage::Undecided => undecided = true,
                }
            }
            if Space::is_within(piece, cuboid) {
                break; // Nothing behind it would stand in.
            }
        }
        if undecided { Proof::Undecided } else { Proof::Never(Vec::new()) }
    }

    /// An input that both rules match and that reaches the first, if there is one.
    pub fn prove_overlap(&mut self, first: &Entry, second: &Entry) -> Proof {
        let geometry = self.geometry;
        let fewer = if first.slices.len() <= second.slices.len() { first } else { second };
        let mut slices: Vec<&Slice> = fewer.slices.iter().filter_map(|index| geometry.slices.get(*index)).collect();
        // Names that somebody wrote make better examples than stand-ins.
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

    /// An input of the slice that reaches no rule, if there is one.
    pub fn prove_gap(&mut self, slice: &Slice) -> Proof {
        let Some(full) = &slice.full else { return Proof::Never(Vec::new()) };
        match self.coverage(slice, full, usize::MAX, None) {
            Coverage::Open(cell) => Proof::Witness(self.input(slice, &cell)),
            Coverage::Covered(used) => Proof::Never(self.keys(used)),
            Coverage::Undecided => Proof::Undecided,
        }
    }

    /// An input that `entry` matches and that is decided by the one with the rank `by`, which comes before it.
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

    /// An input of any slice that the rule matches, whoever decides it.
    pub fn example(&mut self, entry: &Entry) -> Option<Arc<Input>> {
        let mut slices: Vec<&Slice> =
            entry.slices.iter().filter_map(|index| self.geometry.slices.get(*index)).collect();
        slices.sort_by_key(|slice| !slice.pair.named());
        slices.into_iter().find_map(|slice| Some(self.input(slice, &Self::matching(entry, slice)?)))
    }
}

/// The rules of a slice before `end`, but for one.
fn rules_before(slice: &Slice, end: usize, except: Option<usize>) -> CuboidSubset {
    let before = slice.pair.rules.iter().copied().take_while(|rank| *rank < end);
    CuboidSubset::of(before.filter(|rank| Some(*rank) != except))
}

#[cfg(test)]
mod tests;
