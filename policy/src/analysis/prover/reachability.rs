//! Whether a rule decides some input, and if none, a minimal set of rules that covers it.

use std::collections::BTreeSet;

use super::{Proof, Prover};
use crate::analysis::{
    cover::{Coverage, Covering, CuboidSelection},
    geometry::{Entry, Slice},
    space::Cell,
};

impl Prover<'_> {
    /// Whether the rule matches and decides some input. When there is none, the proof names a minimal set of rules that
    /// cover the rule; of all such sets, the one whose rules come first. The set is empty when the rule matches nothing.
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
                // For a single slice a minimal cover is wanted.
                Some(Coverage::Covered(_)) | None => unsettled.push(at),
                Some(Coverage::Undecided) => return Proof::Undecided,
            }
        }
        for (slice, cell) in unsettled {
            let before = geometry.deciding(slice).take_while(|(rank, _)| *rank < entry.rank);
            if self.meter.exhausted() {
                return Proof::Undecided;
            }
            let Some(covering) =
                Covering::new((&geometry.space, cell), before, CuboidSelection::UpToContaining, &mut self.meter)
            else {
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
        // A rule that one slice can do without may be needed in another, where it makes a third one superfluous.
        if slices.len() > 1 {
            let all = slices.iter().map(|(slice, cell)| {
                let before = geometry.deciding(slice).take_while(|(rank, _)| *rank < entry.rank);
                Covering::new((&geometry.space, cell), before, CuboidSelection::All, &mut self.meter)
            });
            let Some(all) = all.collect() else { return Proof::Undecided };
            coverings = all;
        }
        let cover = self.minimize_cover(&coverings, used);
        if self.meter.exhausted() {
            // The cover is complete, but perhaps not minimal, and a cached proof would never be improved.
            return Proof::Undecided;
        }
        Proof::Never(self.keys(cover))
    }

    /// Removes superfluous cuboids from a cover, the last one first; a cuboid whose removal is undecided stays.
    fn minimize_cover(&mut self, coverings: &[Covering<'_>], mut used: BTreeSet<usize>) -> BTreeSet<usize> {
        let mut kept: BTreeSet<usize> = BTreeSet::new();
        // INVARIANT: `kept` with all cuboids before `end` cover everything, and so do those of them in `used`.
        let mut end = usize::MAX;
        while let Some(last) = used.range(..end).next_back().copied() {
            // No cuboid between `last` and `end` is needed. Is `last`?
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
}
