//! The questions of the analysis. Each is asked slice by slice of the rules that address it.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use super::{
    Meter,
    atlas::{Atlas, Entry, Key, Slice},
    cover::{Boxes, Coverage, Covering, uncovered},
    pieces::{Outcome, pieces},
    space::{Cell, Region, Space},
    table::{Picked, Table},
};
use crate::{bundle::Effect, engine::Input};

/// What was found about a rule, a pair of rules or a slice.
#[derive(Debug, Clone)]
pub enum Answer {
    /// This input shows that it is so.
    Shown(Arc<Input>),
    /// It is so for no input, as long as these rules are there: they cover everything in question.
    Never(Vec<Key>),
    /// The work budget ran out.
    Undecided,
}

/// Words of a table that take as long to make as one unit of work.
const WORDS_A_UNIT: u64 = 16;
/// Proofs that are tried on the next slices.
const PROOFS: usize = 24;

/// A bundle laid out, to be asked.
pub struct Prover<'a> {
    /// The rules and slices.
    pub atlas: &'a Atlas,
    /// The default effect.
    pub default: Effect,
    /// What may be spent.
    pub meter: Meter,
    /// Where rules decide, by rank; none before it is worth it, and where it would be too large.
    table: Option<Table>,
    /// What the meter has left when searching has cost as much as making the table, which is then made; none once it was.
    table_at: Option<u64>,
    /// Cells with the rules that cover them, found last. What covers a cell covers it in each slice it is in.
    proofs: VecDeque<(Cell, BTreeSet<usize>)>,
}

impl<'a> Prover<'a> {
    /// One that may spend what the meter has.
    pub fn new(atlas: &'a Atlas, default: Effect, meter: Meter) -> Self {
        let making = Table::words(&atlas.space, atlas.order.len()) / WORDS_A_UNIT;
        let table_at = Some(meter.left().saturating_sub(making));
        Self { atlas, default, meter, table: None, table_at, proofs: VecDeque::new() }
    }

    /// Makes the table once it is worth it. A few questions are answered sooner without, and nobody knows how many will be
    /// asked: so at most twice the time is taken that the better way would have.
    fn make_ready(&mut self) {
        if self.table_at.is_some_and(|at| self.meter.left() <= at) {
            self.table_at = None;
            let boxes = (0..self.atlas.order.len()).map(|rank| self.region(rank));
            self.table = Table::new(&self.atlas.space, boxes, &mut self.meter.clone());
        }
    }

    /// Where the rule of this rank decides.
    fn region(&self, rank: usize) -> Option<&'a Region> {
        self.atlas.ranked(rank)?.print.decides.as_ref()
    }

    /// Whether some of the rules of a slice take all of a cell: those before `end`, and not `but_for`.
    fn uncovered(&mut self, slice: &Slice, cell: &Cell, end: usize, but_for: Option<usize>) -> Coverage {
        if let Some(coverage) = self.soon(slice, cell, end, but_for) {
            return coverage;
        }
        let boxes = self.atlas.deciding(slice).take_while(|(rank, _)| *rank < end);
        let coverage = uncovered(cell, boxes.filter(|(rank, _)| Some(*rank) != but_for), &mut self.meter);
        if let Coverage::Covered(by) = &coverage {
            self.remember(cell, by);
        }
        coverage
    }

    /// The same where it is soon found, without a search.
    fn soon(&mut self, slice: &Slice, cell: &Cell, end: usize, but_for: Option<usize>) -> Option<Coverage> {
        self.make_ready();
        let table = self.table.as_ref()?;
        let here = |rank: &usize| *rank < end && Some(*rank) != but_for && slice.pair.rules.binary_search(rank).is_ok();
        if let Some((_, by)) = self.proofs.iter().find(|(covered, by)| covered == cell && by.iter().all(here)) {
            return Some(Coverage::Covered(by.clone()));
        }
        let picked = picked(slice, end, but_for);
        if !self.meter.spend(picked.cost()) {
            return Some(Coverage::Undecided);
        }
        let region = |rank| self.region(rank);
        if let Some(rank) = table.container(cell, &picked, region) {
            let by = BTreeSet::from([rank]);
            self.remember(cell, &by);
            return Some(Coverage::Covered(by));
        }
        let probe = table.probe(cell, &picked, region);
        probe.held_by.is_empty().then(|| Coverage::Open(probe.cell()))
    }

    fn remember(&mut self, cell: &Cell, by: &BTreeSet<usize>) {
        self.proofs.truncate(PROOFS - 1);
        self.proofs.push_front((cell.clone(), by.clone()));
    }

    fn input(&self, slice: &Slice, cell: &Cell) -> Arc<Input> {
        Arc::new(Input {
            agent: slice.pair.agent.to_string(),
            action: slice.pair.action.to_string(),
            context: self.atlas.space.context(cell),
        })
    }

    fn keys(&self, ranks: impl IntoIterator<Item = usize>) -> Vec<Key> {
        ranks.into_iter().filter_map(|rank| self.atlas.order.get(rank).copied()).collect()
    }

    /// Where the rule matches in a slice; none when that is nowhere.
    fn matching(entry: &Entry, slice: &Slice) -> Option<Cell> {
        Space::intersect(slice.full.as_ref()?, entry.print.matches.as_ref()?)
    }

    /// Whether some input is decided by the rule matching. When none is, the rules that are named are a smallest set that
    /// covers all it asks for, of those the one that an author sees first; empty when it asks for nothing.
    pub fn reached(&mut self, entry: &Entry) -> Answer {
        let atlas = self.atlas;
        let slices: Vec<(&Slice, Cell)> = entry
            .slices
            .iter()
            .filter_map(|index| atlas.slices.get(*index))
            .filter_map(|slice| Some((slice, Self::matching(entry, slice)?)))
            .collect();
        let mut coverings = Vec::new();
        let mut used = BTreeSet::new();
        let mut undecided = false;
        let mut unsettled: Vec<&(&Slice, Cell)> = Vec::new();
        for at in &slices {
            match self.soon(at.0, &at.1, entry.rank, None) {
                Some(Coverage::Open(cell)) => return Answer::Shown(self.input(at.0, &cell)),
                Some(Coverage::Covered(by)) if slices.len() > 1 => used.extend(by),
                // What covers a single slice is wanted as few as can be.
                Some(Coverage::Covered(_)) | None => unsettled.push(at),
                Some(Coverage::Undecided) => return Answer::Undecided,
            }
        }
        for (slice, cell) in unsettled {
            let before = atlas.deciding(slice).take_while(|(rank, _)| *rank < entry.rank);
            if self.meter.exhausted() {
                return Answer::Undecided;
            }
            let Some(covering) = Covering::new(cell, before, Boxes::UpToAContaining, &mut self.meter) else {
                undecided = true;
                continue;
            };
            match covering.solve(|_| true, &mut self.meter) {
                Coverage::Open(cell) => return Answer::Shown(self.input(slice, &cell)),
                Coverage::Covered(by) => used.extend(by),
                Coverage::Undecided => undecided = true,
            }
            coverings.push(covering);
        }
        if undecided {
            return Answer::Undecided;
        }
        // A rule that could be left out of one slice may be needed in another, where it makes a third needless.
        if slices.len() > 1 {
            let all = slices.iter().map(|(slice, cell)| {
                let before = atlas.deciding(slice).take_while(|(rank, _)| *rank < entry.rank);
                Covering::new(cell, before, Boxes::All, &mut self.meter)
            });
            let Some(all) = all.collect() else { return Answer::Undecided };
            coverings = all;
        }
        let cover = self.smallest(&coverings, used);
        if self.meter.exhausted() {
            // They cover it, but perhaps not all of them are needed, and nobody would look again.
            return Answer::Undecided;
        }
        Answer::Never(self.keys(cover))
    }

    /// Leaves out of all boxes that cover what they can do without, the last first; what cannot be decided stays.
    fn smallest(&mut self, coverings: &[Covering<'_>], mut used: BTreeSet<usize>) -> BTreeSet<usize> {
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
    pub fn matters(&mut self, entry: &Entry) -> Answer {
        let atlas = self.atlas;
        let slices = || entry.slices.iter().filter_map(|index| atlas.slices.get(*index));
        // Most rules decide something that would otherwise be answered otherwise, which is soon found; where it is
        // answered like the default, it is where the rule errs.
        for slice in slices() {
            let Some(full) = &slice.full else { continue };
            for (outcome, piece) in pieces(full, &entry.print, entry.rule.effect).into_iter().rev() {
                if let Some(input) = self.stands_out(slice, entry, outcome, &piece) {
                    return Answer::Shown(input);
                }
            }
        }
        let mut undecided = false;
        // Errors mostly stand in for errors: where the rule matches is looked at first.
        for errs in [false, true] {
            for slice in slices() {
                let Some(full) = &slice.full else { continue };
                for (outcome, piece) in pieces(full, &entry.print, entry.rule.effect) {
                    if errs != (outcome == Outcome::Error) {
                        continue;
                    }
                    match self.matters_in(slice, entry, outcome, &piece) {
                        Answer::Shown(input) => return Answer::Shown(input),
                        Answer::Never(_) => {}
                        Answer::Undecided => undecided = true,
                    }
                    if self.meter.exhausted() {
                        return Answer::Undecided;
                    }
                }
            }
        }
        if undecided { Answer::Undecided } else { Answer::Never(Vec::new()) }
    }

    /// An input of a part of a slice that would be answered otherwise than by `outcome` without the rule, if one is soon
    /// found.
    fn stands_out(&mut self, slice: &Slice, entry: &Entry, outcome: Outcome, piece: &Cell) -> Option<Arc<Input>> {
        self.make_ready();
        let atlas = self.atlas;
        let Some(table) = &self.table else {
            let others = atlas.deciding(slice).filter(|(rank, _)| *rank != entry.rank);
            let may_show = outcome != Outcome::Decided(self.default);
            return match may_show.then(|| uncovered(piece, others, &mut self.meter)) {
                Some(Coverage::Open(cell)) => Some(self.input(slice, &cell)),
                _ => None,
            };
        };
        let others = picked(slice, usize::MAX, Some(entry.rank));
        if !self.meter.spend(2 * others.cost()) {
            return None;
        }
        // Best where nothing else decides; else where nothing does before.
        let mut probe = table.probe(piece, &others, |rank| self.region(rank));
        if probe.held_by.first().is_some_and(|rank| rank < entry.rank) {
            probe = table.probe(piece, &picked(slice, entry.rank, None), |rank| self.region(rank));
            if !probe.held_by.is_empty() {
                return None;
            }
            probe.held_by = table.at(&probe.point, &others);
        }
        let cell = probe.cell();
        let instead = match probe.held_by.first().and_then(|rank| atlas.ranked(rank)) {
            Some(other) => match other.print.matches.as_ref().filter(|region| Space::touches(&cell, region)) {
                Some(_) => Outcome::Decided(other.rule.effect),
                None => Outcome::Error,
            },
            None => Outcome::Decided(self.default),
        };
        (instead != outcome).then(|| self.input(slice, &cell))
    }

    /// The same for a part of a slice in which the rule answers `outcome`.
    fn matters_in(&mut self, slice: &Slice, entry: &Entry, outcome: Outcome, piece: &Cell) -> Answer {
        let atlas = self.atlas;
        let mut undecided = match self.uncovered(slice, piece, entry.rank, None) {
            Coverage::Covered(_) => return Answer::Never(Vec::new()),
            Coverage::Open(_) => false,
            Coverage::Undecided => true,
        };
        if outcome != Outcome::Decided(self.default) {
            match self.uncovered(slice, piece, usize::MAX, Some(entry.rank)) {
                Coverage::Open(cell) => return Answer::Shown(self.input(slice, &cell)),
                Coverage::Covered(_) => {}
                Coverage::Undecided => undecided = true,
            }
        }
        // The rules after this one, as the answers that would stand in: each takes what no rule before it takes.
        for rank in slice.pair.rules.iter().copied().filter(|rank| *rank > entry.rank) {
            let Some(other) = atlas.ranked(rank) else { continue };
            if !self.meter.spend(1) {
                return Answer::Undecided;
            }
            let Some(region) = other.print.decides.as_ref().filter(|region| Space::touches(piece, region)) else {
                continue;
            };
            for (instead, part) in pieces(piece, &other.print, other.rule.effect) {
                if instead == outcome {
                    continue;
                }
                match self.uncovered(slice, &part, rank, Some(entry.rank)) {
                    Coverage::Open(cell) => return Answer::Shown(self.input(slice, &cell)),
                    Coverage::Covered(_) => {}
                    Coverage::Undecided => undecided = true,
                }
            }
            if Space::is_within(piece, region) {
                break; // Nothing behind it would stand in.
            }
        }
        if undecided { Answer::Undecided } else { Answer::Never(Vec::new()) }
    }

    /// An input that both rules match and that reaches the first, if there is one.
    pub fn meets(&mut self, first: &Entry, second: &Entry) -> Answer {
        let atlas = self.atlas;
        let fewer = if first.slices.len() <= second.slices.len() { first } else { second };
        let mut slices: Vec<&Slice> = fewer.slices.iter().filter_map(|index| atlas.slices.get(*index)).collect();
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
                .zip(second.print.matches.as_ref())
                .and_then(|(cell, region)| Space::intersect(&cell, region));
            let Some(both) = both else { continue };
            match self.uncovered(slice, &both, first.rank, None) {
                Coverage::Open(cell) => return Answer::Shown(self.input(slice, &cell)),
                Coverage::Covered(by) => used.extend(by),
                Coverage::Undecided => undecided = true,
            }
        }
        if undecided { Answer::Undecided } else { Answer::Never(self.keys(used)) }
    }

    /// An input of the slice that reaches no rule, if there is one.
    pub fn gap(&mut self, slice: &Slice) -> Answer {
        let Some(full) = &slice.full else { return Answer::Never(Vec::new()) };
        match self.uncovered(slice, full, usize::MAX, None) {
            Coverage::Open(cell) => Answer::Shown(self.input(slice, &cell)),
            Coverage::Covered(used) => Answer::Never(self.keys(used)),
            Coverage::Undecided => Answer::Undecided,
        }
    }

    /// An input that `entry` matches and that is decided by the one with the rank `by`, which comes before it.
    pub fn taken(&mut self, entry: &Entry, by: usize) -> Answer {
        let atlas = self.atlas;
        let Some(other) = atlas.ranked(by) else { return Answer::Never(Vec::new()) };
        let mut undecided = false;
        let mut slices: Vec<&Slice> = entry.slices.iter().filter_map(|index| atlas.slices.get(*index)).collect();
        slices.sort_by_key(|slice| !slice.pair.named());
        for slice in slices.into_iter().filter(|slice| slice.pair.rules.binary_search(&by).is_ok()) {
            let both = Self::matching(entry, slice)
                .zip(other.print.decides.as_ref())
                .and_then(|(cell, region)| Space::intersect(&cell, region));
            let Some(both) = both else { continue };
            match self.uncovered(slice, &both, by, None) {
                Coverage::Open(cell) => return Answer::Shown(self.input(slice, &cell)),
                Coverage::Covered(_) => {}
                Coverage::Undecided => undecided = true,
            }
        }
        if undecided { Answer::Undecided } else { Answer::Never(Vec::new()) }
    }

    /// An input of any slice that the rule matches, whoever decides it.
    pub fn example(&mut self, entry: &Entry) -> Option<Arc<Input>> {
        let mut slices: Vec<&Slice> = entry.slices.iter().filter_map(|index| self.atlas.slices.get(*index)).collect();
        slices.sort_by_key(|slice| !slice.pair.named());
        slices.into_iter().find_map(|slice| Some(self.input(slice, &Self::matching(entry, slice)?)))
    }
}

/// The rules of a slice before `end`, but for one.
fn picked(slice: &Slice, end: usize, but_for: Option<usize>) -> Picked {
    let before = slice.pair.rules.iter().copied().take_while(|rank| *rank < end);
    Picked::of(before.filter(|rank| Some(*rank) != but_for))
}

#[cfg(test)]
mod tests;
