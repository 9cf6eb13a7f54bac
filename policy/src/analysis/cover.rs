//! The one question: does a union of cuboids cover a cell? If not, which point is uncovered?
//!
//! A point is uncovered when every cuboid lacks it on some axis. So on each axis only the slots matter that few cuboids
//! hold: when every cuboid that holds one slot also holds a second slot, the second slot need not be searched. That
//! leaves few slots per axis, usually one, and cuboids that hold none of these slots drop out. The remaining slots are
//! renumbered, one word of bits per axis, and searched exactly.

use std::{collections::BTreeSet, rc::Rc};

use super::{
    Meter,
    axis_reduction::{self, ReducedAxis},
    space::{Cell, Cuboid, SlotSet, Space},
};

/// Whether a cell is covered.
#[derive(Debug, Clone, PartialEq)]
pub enum Coverage {
    /// Every point is covered. The numbers name the cuboids used in the proof.
    Covered(BTreeSet<usize>),
    /// A cell of points that no cuboid covers.
    Open(Cell),
    /// The work budget ran out.
    Undecided,
}

/// Names the cuboids of points that no input has. They cover every question, and are no part of any proof.
const IMPOSSIBLE: usize = usize::MAX;

/// Whether the union of `cuboids` covers all points of `cell` that some input has; each cuboid comes with the number that
/// names it.
pub fn uncovered<'a>(
    (space, cell): (&'a Space, &Cell),
    cuboids: impl Iterator<Item = (usize, &'a Cuboid)> + Clone,
    meter: &mut Meter,
) -> Coverage {
    Covering::new((space, cell), cuboids, CuboidSelection::UpToContaining, meter)
        .map_or(Coverage::Undecided, |covering| covering.solve(|_| true, meter))
}

/// The cuboids that a question considers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CuboidSelection {
    /// The cuboids up to the first that contains the whole cell; no more are needed to cover the cell.
    UpToContaining,
    /// All cuboids, for callers that need every cover.
    All,
}

/// A cell and the cuboids that may cover it, prepared for more than one question.
#[derive(Debug)]
pub struct Covering<'c> {
    cell: &'c Cell,
    /// The axes on which the witness takes slot 0, because no cuboid that is restricted there holds slot 0.
    bottom: Vec<usize>,
    /// The remaining axes, with few slots each.
    axes: Vec<ReducedAxis>,
    /// The names of the remaining cuboids.
    names: Vec<usize>,
    /// For each cuboid, on each axis, the local slots that the cuboid holds.
    held: Vec<u64>,
    /// Words of `held` per cuboid.
    width: usize,
}

impl<'c> Covering<'c> {
    /// Prepares the question; `None` when the budget runs out.
    pub fn new<'a>(
        (space, cell): (&'a Space, &'c Cell),
        cuboids: impl Iterator<Item = (usize, &'a Cuboid)> + Clone,
        which: CuboidSelection,
        meter: &mut Meter,
    ) -> Option<Self> {
        let cuboids = space.impossible().iter().map(|cuboid| (IMPOSSIBLE, cuboid)).chain(cuboids);
        let mut free: Vec<bool> = cell.iter().map(|set| set.first() == Some(0)).collect();
        let mut asked = 0_u64;
        for (axis, keep) in cuboids.clone().flat_map(|(_, cuboid)| &cuboid.parts) {
            asked += 1;
            if keep.first() == Some(0)
                && let Some(free) = free.get_mut(*axis)
            {
                *free = false;
            }
        }
        if !meter.spend(asked / 8 + 1) {
            return None;
        }
        let is_free = |axis: usize| free.get(axis).copied().unwrap_or_default();
        let mut touching: Vec<(usize, &'a Cuboid)> = Vec::new();
        for (name, cuboid) in cuboids {
            let intersects = cuboid
                .parts
                .iter()
                .all(|(axis, keep)| !is_free(*axis) && cell.get(*axis).is_some_and(|have| have.intersects(keep)));
            if intersects {
                touching.push((name, cuboid));
                let inside = |(axis, keep): &(usize, SlotSet)| cell.get(*axis).is_some_and(|have| have.within(keep));
                if which == CuboidSelection::UpToContaining && cuboid.parts.iter().all(inside) {
                    break;
                }
            }
        }
        let bottom = free.iter().enumerate().filter(|(_, free)| **free).map(|(axis, _)| axis).collect();
        let (axes, left) = axis_reduction::reduce_axes(cell, &touching, meter)?;
        let width = axes.iter().map(|local| local.words).sum();
        let mut names = Vec::with_capacity(touching.len());
        let mut held = Vec::with_capacity(touching.len() * width);
        for (index, (name, _)) in touching.iter().enumerate().filter(|(index, _)| left.contains(index)) {
            names.push(*name);
            axes.iter().for_each(|local| local.held_by(index, &mut held));
        }
        Some(Self { cell, bottom, axes, names, held, width })
    }

    fn held(&self, index: usize) -> &[u64] {
        self.held.get(index * self.width..(index + 1) * self.width).unwrap_or_default()
    }

    /// Whether the cuboids that `wanted` accepts cover the cell.
    ///
    /// The cuboid that covers most of the cell leaves at most one slab per axis; each slab is then searched with the
    /// cuboids that still intersect it. A cuboid that contains a slab settles it, and a slab that no cuboid intersects
    /// is a witness. The slabs wait on a heap-allocated stack, so that hostile input cannot overflow the call stack.
    pub fn solve(&self, wanted: impl Fn(usize) -> bool, meter: &mut Meter) -> Coverage {
        let mut allowance = meter.allowance();
        let mut used = BTreeSet::new();
        let everywhere: Vec<u64> = self.axes.iter().flat_map(ReducedAxis::full).collect();
        let wanted = |name: usize| name == IMPOSSIBLE || wanted(name);
        let all = self.names.iter().enumerate().filter(|(_, name)| wanted(**name)).map(|(index, _)| index);
        let name = |index: usize| self.names.get(index).filter(|name| **name != IMPOSSIBLE);
        let mut open: Vec<(Vec<u64>, Rc<[usize]>)> = vec![(everywhere, all.collect())];
        while let Some((slab, cuboids)) = open.pop() {
            let work = cuboids.len() as u64 + 1;
            // The work is charged even when it exceeds the allowance, so that repeated questions eventually exhaust the
            // budget.
            if !meter.spend(work) || allowance < work {
                return Coverage::Undecided;
            }
            allowance -= work;
            let mut touching: Vec<usize> = Vec::with_capacity(cuboids.len());
            let mut best: Option<(f64, usize)> = None;
            let mut container = None;
            for index in cuboids.iter().copied() {
                match self.relation(&slab, index) {
                    Relation::Apart => {}
                    Relation::Contains => {
                        container = Some(index);
                        break;
                    }
                    Relation::Overlaps(share) => {
                        touching.push(index);
                        if best.is_none_or(|(most, _)| share > most) {
                            best = Some((share, index));
                        }
                    }
                }
            }
            if let Some(index) = container {
                used.extend(name(index));
                continue;
            }
            let Some((_, index)) = best else { return Coverage::Open(self.witness(&slab)) };
            used.extend(name(index));
            touching.retain(|other| *other != index);
            self.split(slab, index, &touching.into(), &mut open);
        }
        Coverage::Covered(used)
    }

    fn relation(&self, slab: &[u64], index: usize) -> Relation {
        let held = self.held(index);
        let (mut share, mut contains) = (1.0, true);
        let mut from = 0;
        for local in &self.axes {
            let words = from..from + local.words;
            let pairs = slab.get(words.clone()).unwrap_or_default().iter().zip(held.get(words).unwrap_or_default());
            let (mut inside, mut all) = (0, 0);
            for (have, keep) in pairs {
                inside += (have & keep).count_ones();
                all += have.count_ones();
            }
            if inside == 0 {
                return Relation::Apart;
            }
            if inside < all {
                contains = false;
                share *= f64::from(inside) / f64::from(all);
            }
            from += local.words;
        }
        if contains { Relation::Contains } else { Relation::Overlaps(share) }
    }

    /// Pushes the parts of the slab that the cuboid does not cover onto the stack.
    fn split(&self, slab: Vec<u64>, index: usize, touching: &Rc<[usize]>, open: &mut Vec<(Vec<u64>, Rc<[usize]>)>) {
        let held = self.held(index);
        let mut order: Vec<(u32, usize, usize)> = Vec::with_capacity(self.axes.len());
        let mut from = 0;
        for local in &self.axes {
            let have = slab.get(from..from + local.words).unwrap_or_default();
            order.push((have.iter().map(|word| word.count_ones()).sum(), from, local.words));
            from += local.words;
        }
        // Narrow axes first: their slabs are small and are settled soon.
        order.sort_unstable();
        let first = open.len();
        let mut rest = slab;
        for (_, from, words) in order {
            let keep = held.get(from..from + words).unwrap_or_default();
            let have = rest.get(from..from + words).unwrap_or_default();
            if have.iter().zip(keep).any(|(have, keep)| have & !keep != 0) {
                let mut outside = rest.clone();
                for (word, keep) in outside.iter_mut().skip(from).zip(keep) {
                    *word &= !keep;
                }
                open.push((outside, Rc::clone(touching)));
            }
            for (word, keep) in rest.iter_mut().skip(from).zip(keep) {
                *word &= keep;
            }
        }
        // The first slab leaves the other axes free, so a witness found there needs the fewest facts: search it first.
        if let Some(slabs) = open.get_mut(first..) {
            slabs.reverse();
        }
    }

    /// The points of the cell that the first local slots of a slab represent.
    fn witness(&self, slab: &[u64]) -> Cell {
        let mut cell = self.cell.clone();
        for axis in &self.bottom {
            if let Some(set) = cell.get_mut(*axis) {
                *set = SlotSet::first_of(1);
            }
        }
        let mut from = 0;
        for local in &self.axes {
            let have = slab.get(from..from + local.words).unwrap_or_default();
            if let (Some(run), Some(set)) = (local.first(have), cell.get_mut(local.axis)) {
                *set = SlotSet::of([run]);
            }
            from += local.words;
        }
        cell
    }
}

enum Relation {
    Apart,
    Contains,
    /// The share of the slab that the cuboid covers, 0–1.
    Overlaps(f64),
}
