//! Proving whether a rule changes some answer.

use std::sync::Arc;

use super::{Proof, Prover, rules_before};
use crate::{
    analysis::{
        cover::{Coverage, uncovered},
        geometry::{Entry, Slice},
        outcome::Outcome,
        outcome_pieces::outcome_pieces,
        space::{Cell, Space},
    },
    engine::Input,
};

impl Prover<'_> {
    /// Whether some input would be answered differently without the rule.
    pub fn prove_relevant(&mut self, entry: &Entry) -> Proof {
        let geometry = self.geometry;
        let slices = || entry.slices.iter().filter_map(|index| geometry.slices.get(*index));
        // Most rules decide an input that would be answered differently without them, and such an input is found
        // quickly. A rule with the default's effect may differ only where it errs.
        for slice in slices() {
            let Some(full) = &slice.full else { continue };
            for (outcome, piece) in outcome_pieces(full, &entry.footprint, self.outcomes(entry)).into_iter().rev() {
                if let Some(input) = self.quick_witness(slice, entry, outcome, &piece) {
                    return Proof::Witness(input);
                }
            }
        }
        let mut undecided = false;
        // Where this rule errs, other rules usually err too, so the search begins where this rule matches.
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

    /// An input of a part of a slice whose outcome would not be `outcome` without the rule, if such an input is found
    /// quickly.
    fn quick_witness(&mut self, slice: &Slice, entry: &Entry, outcome: Outcome, piece: &Cell) -> Option<Arc<Input>> {
        self.build_index_if_due();
        let geometry = self.geometry;
        let Some(index) = &self.index else {
            let others = geometry.deciding(slice).filter(|(rank, _)| *rank != entry.rank);
            let may_show = outcome != Outcome::decided(self.default);
            return match may_show.then(|| uncovered((&geometry.space, piece), others, &mut self.meter)) {
                Some(Coverage::Open(cell)) => Some(self.input(slice, &cell)),
                _ => None,
            };
        };
        let others = rules_before(slice, usize::MAX, Some(entry.rank));
        if !self.meter.spend(2 * others.cost()) {
            return None;
        }
        // The best point is one that no other rule decides, the next best one that no earlier rule decides.
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
        (instead != outcome && geometry.space.is_possible(&cell)).then(|| self.input(slice, &cell))
    }

    /// [`prove_relevant`](Self::prove_relevant) for a part of a slice in which the rule's outcome is `outcome`.
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
        // Without this rule a later rule decides: each later rule takes the inputs that no rule before it takes.
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
                break; // No input of the piece reaches the rules after this one.
            }
        }
        if undecided { Proof::Undecided } else { Proof::Never(Vec::new()) }
    }
}
