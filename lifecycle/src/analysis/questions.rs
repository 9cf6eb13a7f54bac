//! The questions of the analysis, each asked inside one slice, and answered from memory where they can be.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Meter,
    cover::{Coverage, uncovered},
    memo::{Answer, Digest, Memo, Question},
    slices::{self, Mapped, Slice},
    space::{Cell, Footprint, Region, Space, and, is_empty, minus},
};
use crate::{
    bundle::{Bundle, Effect, Rule},
    engine::Input,
};

/// What an answer amounts to, apart from who gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A rule or the default.
    Decided(Effect),
    /// An evaluation error.
    Error,
}

/// Asks. Where an answer is an `Option`, none means that the budget ran out.
pub struct Asker<'a, 'm> {
    /// What is asked about.
    pub bundle: &'a Bundle,
    /// Its enabled rules, in evaluation order.
    pub rules: Vec<&'a Rule>,
    /// The slices.
    pub slices: Vec<Slice>,
    /// What may be spent.
    pub meter: Meter,
    /// What is known.
    pub memo: &'m mut Memo,
    /// Slices that were too large for what was left to spend.
    pub refused: BTreeSet<Digest>,
}

impl Asker<'_, '_> {
    fn open(&mut self, index: usize) -> Option<(Slice, Option<Arc<Mapped>>)> {
        let slice = self.slices.get(index)?.clone();
        if let Some(mapped) = self.memo.space(slice.digest) {
            return Some((slice, mapped));
        }
        if self.refused.contains(&slice.digest) {
            return None;
        }
        let members = || slice.rules.iter().filter_map(|rank| self.rules.get(*rank).copied());
        if !self.meter.spend(Space::cost(members())) {
            self.refused.insert(slice.digest);
            return None;
        }
        let mapped = slices::mapped(self.bundle, &self.rules, &slice);
        self.memo.keep_space(slice.digest, mapped.clone());
        Some((slice, mapped))
    }

    /// Whether questions about the slice can be answered within what is left.
    pub fn is_open(&mut self, index: usize) -> bool {
        !self.meter.exhausted() && self.open(index).is_some()
    }

    fn known(&mut self, index: usize, question: Question) -> Option<Answer> {
        let digest = self.slices.get(index)?.digest;
        self.memo.answer(digest, question)
    }

    fn keep(&mut self, index: usize, question: Question, answer: Answer) -> Answer {
        if let Some(slice) = self.slices.get(index) {
            self.memo.keep(slice.digest, question, answer.clone());
        }
        answer
    }

    fn place(&self, index: usize, rank: usize) -> Option<usize> {
        self.slices.get(index)?.rules.binary_search(&rank).ok()
    }

    /// The ranks of places in a slice.
    pub fn ranks(&self, index: usize, places: &BTreeSet<usize>) -> Vec<usize> {
        let rules = self.slices.get(index).map(|slice| Arc::clone(&slice.rules)).unwrap_or_default();
        places.iter().filter_map(|place| rules.get(*place).copied()).collect()
    }

    fn input(slice: &Slice, context: serde_json::Map<String, serde_json::Value>) -> Input {
        Input { agent: slice.agent.clone(), action: slice.action.clone(), context }
    }

    /// Whether some input of the slice is decided by the rule at `rank` matching.
    pub fn reached(&mut self, index: usize, rank: usize) -> Option<Answer> {
        let place = self.place(index, rank)?;
        let question = Question::Reached(place);
        if let Some(known) = self.known(index, question) {
            return Some(known);
        }
        let (_, mapped) = self.open(index)?;
        let cell = mapped.as_ref().and_then(|mapped| matching(mapped, place));
        let (Some(mapped), Some(cell)) = (mapped, cell) else {
            return Some(self.keep(index, question, Answer::Nowhere));
        };
        let answer = match uncovered(cell, &deciding(&mapped, |other| other < place), &mut self.meter) {
            Coverage::Covered(used) => Answer::Covered(Arc::new(used)),
            Coverage::Open(_) => Answer::Yes,
            Coverage::Undecided => return None,
        };
        Some(self.keep(index, question, answer))
    }

    /// An input of the slice that the rule matches, and whether it decides it.
    pub fn example(&mut self, index: usize, rank: usize) -> (Option<Input>, bool) {
        let Some(place) = self.place(index, rank) else { return (None, false) };
        let Some((slice, Some(mapped))) = self.open(index) else { return (None, false) };
        let Some(cell) = matching(&mapped, place) else { return (None, false) };
        match uncovered(cell.clone(), &deciding(&mapped, |other| other < place), &mut self.meter) {
            Coverage::Open(cell) => (Some(Self::input(&slice, mapped.space.context(&cell))), true),
            Coverage::Covered(_) | Coverage::Undecided => {
                (Some(Self::input(&slice, mapped.space.context(&cell))), false)
            }
        }
    }

    /// Leaves out of a covering set what it can do without, in every slice; what cannot be decided stays. Rules that
    /// are looked at last go first: the cover that remains names the rules an author sees first.
    pub fn minimise(&mut self, rank: usize, slices: &[usize], covering: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut kept = covering.clone();
        for candidate in covering.iter().rev() {
            let needed = slices.iter().any(|index| {
                let Some((slice, Some(mapped))) = self.open(*index) else { return false };
                let place = slice.rules.binary_search(&rank).ok();
                let Some(cell) = place.and_then(|place| matching(&mapped, place)) else { return false };
                let stays =
                    |place: usize| slice.rules.get(place).is_some_and(|name| name != candidate && kept.contains(name));
                !matches!(uncovered(cell, &deciding(&mapped, stays), &mut self.meter), Coverage::Covered(_))
            });
            if !needed {
                kept.remove(candidate);
            }
        }
        kept
    }

    /// Whether some input of the slice would be answered otherwise without the rule.
    pub fn matters(&mut self, index: usize, rank: usize) -> Option<bool> {
        let place = self.place(index, rank)?;
        let question = Question::Matters(place);
        if let Some(known) = self.known(index, question) {
            return Some(matches!(known, Answer::Yes));
        }
        let (slice, mapped) = self.open(index)?;
        let matters = match mapped {
            Some(mapped) => self.matters_in(&slice, &mapped, place)?,
            None => false,
        };
        self.keep(index, question, if matters { Answer::Yes } else { Answer::No });
        Some(matters)
    }

    fn matters_in(&mut self, slice: &Slice, mapped: &Mapped, place: usize) -> Option<bool> {
        let effect_at = |place: usize| self.rules.get(*slice.rules.get(place)?).map(|rule| rule.effect);
        let (Some(own), Some(effect)) = (mapped.footprints.get(place), effect_at(place)) else { return Some(false) };
        let default = Outcome::Decided(self.bundle.default_effect);
        let mut undecided = false;
        for (outcome, piece) in pieces(&mapped.space.full(), own, effect) {
            if !self.meter.spend((mapped.footprints.len() - place) as u64 / 4 + 1) {
                return None;
            }
            // The rules after this one, as the answers that would stand in: each takes what no rule before it takes.
            for (other, footprint) in mapped.footprints.iter().enumerate().skip(place + 1) {
                let Some(effect) = effect_at(other) else { continue };
                for (instead, part) in pieces(&piece, footprint, effect) {
                    if instead == outcome {
                        continue;
                    }
                    if self.meter.exhausted() {
                        return None;
                    }
                    let before = deciding(mapped, |name| name < other && name != place);
                    match uncovered(part, &before, &mut self.meter) {
                        Coverage::Open(_) => return Some(true),
                        Coverage::Covered(_) => {}
                        Coverage::Undecided => undecided = true,
                    }
                }
            }
            if default != outcome {
                let others = deciding(mapped, |name| name != place);
                match uncovered(piece, &others, &mut self.meter) {
                    Coverage::Open(_) => return Some(true),
                    Coverage::Covered(_) => {}
                    Coverage::Undecided => undecided = true,
                }
            }
        }
        if undecided { None } else { Some(false) }
    }

    /// An input of the slice that both rules match and that reaches the first, if there is one.
    pub fn meets(&mut self, index: usize, first: usize, second: usize) -> Option<Option<Input>> {
        let (first, second) = (self.place(index, first)?, self.place(index, second)?);
        let question = Question::Meets(first, second);
        let answer = match self.known(index, question) {
            Some(known) => known,
            None => {
                let (_, mapped) = self.open(index)?;
                let both = mapped.as_ref().and_then(|mapped| {
                    let second = mapped.footprints.get(second)?.matches.as_ref()?;
                    Space::intersect(&matching(mapped, first)?, second)
                });
                let answer = match (mapped, both) {
                    (Some(mapped), Some(both)) => {
                        match uncovered(both, &deciding(&mapped, |name| name < first), &mut self.meter) {
                            Coverage::Open(cell) => Answer::Witness(Arc::new(mapped.space.context(&cell))),
                            Coverage::Covered(_) => Answer::No,
                            Coverage::Undecided => return None,
                        }
                    }
                    _ if self.meter.spend(1) => Answer::No,
                    _ => return None,
                };
                self.keep(index, question, answer)
            }
        };
        Some(self.witness(index, &answer))
    }

    /// An input of the slice that reaches no rule, if there is one.
    pub fn gap(&mut self, index: usize) -> Option<Option<Input>> {
        let answer = match self.known(index, Question::Gap) {
            Some(known) => known,
            None => {
                let (_, mapped) = self.open(index)?;
                let answer = match mapped {
                    None => Answer::No,
                    Some(mapped) => {
                        match uncovered(mapped.space.full(), &deciding(&mapped, |_| true), &mut self.meter) {
                            Coverage::Open(cell) => Answer::Witness(Arc::new(mapped.space.context(&cell))),
                            Coverage::Covered(_) => Answer::No,
                            Coverage::Undecided => return None,
                        }
                    }
                };
                self.keep(index, Question::Gap, answer)
            }
        };
        Some(self.witness(index, &answer))
    }

    fn witness(&self, index: usize, answer: &Answer) -> Option<Input> {
        let Answer::Witness(context) = answer else { return None };
        Some(Self::input(self.slices.get(index)?, context.as_ref().clone()))
    }
}

/// Where the rule at a place matches; none when that is nowhere.
fn matching(mapped: &Mapped, place: usize) -> Option<Cell> {
    let matches = mapped.footprints.get(place)?.matches.as_ref()?;
    Space::intersect(&mapped.space.full(), matches)
}

/// The boxes in which the rules at the wanted places decide, each with its place.
fn deciding(mapped: &Mapped, wanted: impl Fn(usize) -> bool) -> Vec<(usize, &Region)> {
    mapped
        .footprints
        .iter()
        .enumerate()
        .filter(|(place, _)| wanted(*place))
        .filter_map(|(place, footprint)| Some((place, footprint.decides.as_ref()?)))
        .collect()
}

/// The disjoint parts of `cell` in which a rule decides, each with what it answers there: its effect where it matches,
/// an error in the slabs around.
pub(super) fn pieces(cell: &Cell, footprint: &Footprint, effect: Effect) -> Vec<(Outcome, Cell)> {
    let Some(mut rest) = footprint.decides.as_ref().and_then(|region| Space::intersect(cell, region)) else {
        return Vec::new();
    };
    let Some(matches) = &footprint.matches else { return vec![(Outcome::Error, rest)] };
    let mut pieces = Vec::new();
    for (axis, keep) in &matches.parts {
        let Some(have) = rest.get(*axis).cloned() else { continue };
        let outside = minus(&have, keep);
        if !is_empty(&outside) {
            let mut slab = rest.clone();
            if let Some(set) = slab.get_mut(*axis) {
                *set = outside;
            }
            pieces.push((Outcome::Error, slab));
        }
        let inside = and(&have, keep);
        if is_empty(&inside) {
            return pieces;
        }
        if let Some(set) = rest.get_mut(*axis) {
            *set = inside;
        }
    }
    pieces.push((Outcome::Decided(effect), rest));
    pieces
}
