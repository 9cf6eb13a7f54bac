//! Whether what comes first, before or after, takes all of a cell; with answers kept from slice to slice.

use std::collections::{BTreeSet, HashMap};

use super::{difference::Decider, search::Sides};
use crate::analysis::{
    Meter,
    cover::{self, Coverage},
    space::{Cell, Region as Box, SlotSet},
    table::Picked,
};

/// Answers that are kept for other slices.
const MOST_KEPT: usize = 16_384;

/// Answers of one slice, to be tried on the next: what covers a cell covers it wherever it comes first, and a point that
/// stuck out mostly sticks out again.
#[derive(Default)]
pub(super) struct Known(HashMap<Question, (Cell, Settled)>);

/// The deciders before and after, and the numbers of their pieces.
pub(super) type Question = (Decider, Decider, (usize, usize));

enum Settled {
    /// By these rules.
    Covered(BTreeSet<usize>),
    /// At this point.
    Open(Vec<usize>),
}

/// What comes first in either bundle.
#[derive(Default)]
pub(super) struct First<'s> {
    /// A bit a rule, by its position.
    rules: Vec<u64>,
    /// What schemas refuse.
    apart: Vec<&'s Box>,
}

impl<'s> First<'s> {
    /// Adds a decider with where it decides.
    pub(super) fn add(&mut self, decider: Decider, region: Option<&'s Box>) {
        match decider {
            Decider::Rule(rule) => {
                if self.rules.len() <= rule / 64 {
                    self.rules.resize(rule / 64 + 1, 0);
                }
                if let Some(word) = self.rules.get_mut(rule / 64) {
                    *word |= 1 << (rule % 64);
                }
            }
            Decider::Refusal(_) | Decider::Default => self.apart.extend(region),
        }
    }

    fn has(&self, rule: usize) -> bool {
        self.rules.get(rule / 64).is_some_and(|word| word >> (rule % 64) & 1 == 1)
    }

    /// The rules, by position.
    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> + Clone + '_ {
        let words = self.rules.iter().copied().enumerate();
        words.flat_map(|(word, bits)| (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit))
    }
}

/// Whether those that come first cover a cell.
pub(super) fn uncovered(
    sides: &Sides<'_>,
    question: Question,
    cell: &Cell,
    first: &First<'_>,
    known: &mut Known,
    meter: &mut Meter,
) -> Coverage {
    let Some(table) = sides.table.as_ref().filter(|_| first.apart.is_empty()) else {
        let rules = first.numbers().filter_map(|rule| sides.print(rule)?.decides.as_ref());
        return cover::uncovered(cell, rules.chain(first.apart.iter().copied()).map(|region| (0, region)), meter);
    };
    let picked = Picked::of_words(&first.rules);
    if !meter.spend(picked.cost()) {
        return Coverage::Undecided;
    }
    match known.0.get(&question).filter(|(other, _)| other == cell) {
        Some((_, Settled::Covered(by))) if by.iter().all(|rule| first.has(*rule)) => {
            return Coverage::Covered(BTreeSet::new());
        }
        Some((_, Settled::Open(point))) if table.at(point, &picked).is_empty() => {
            return Coverage::Open(point.iter().map(|slot| SlotSet::of([(*slot, slot + 1)])).collect());
        }
        _ => {}
    }
    let region = |rule| sides.print(rule)?.decides.as_ref();
    let coverage = match table.container(cell, &picked, region) {
        Some(rule) => Coverage::Covered(BTreeSet::from([rule])),
        None => {
            let probe = table.probe(cell, &picked, region);
            if probe.held_by.is_empty() {
                Coverage::Open(probe.cell())
            } else {
                cover::uncovered(cell, first.numbers().filter_map(|rule| Some((rule, region(rule)?))), meter)
            }
        }
    };
    let settled = match &coverage {
        Coverage::Covered(by) => Settled::Covered(by.clone()),
        Coverage::Open(point) => Settled::Open(point.iter().filter_map(SlotSet::first).collect()),
        Coverage::Undecided => return coverage,
    };
    if known.0.len() < MOST_KEPT || known.0.contains_key(&question) {
        known.0.insert(question, (cell.clone(), settled));
    }
    coverage
}
