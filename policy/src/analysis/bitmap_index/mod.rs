//! A bitmap index of all cuboids of a space, one bit each: it answers most questions without reading a single cuboid.
//!
//! Each slot of each axis has a row of bits: the cuboids that hold the slot. The cuboids that hold a point are the AND
//! of one row per axis. That makes two checks cheap, which together settle nearly every question of [`super::cover`]:
//! whether one cuboid contains a whole cell, and whether a carefully chosen point is outside all cuboids. A question
//! that neither check settles is searched exactly; failing to find such a point proves nothing.

use super::{
    Meter,
    space::{Cell, Cuboid, SlotSet, Space},
};

/// Words that the rows of one index may take: 64 MiB. A larger index is not built.
const MOST_WORDS: usize = 8 << 20;
/// About how many slots of an axis are compared before one of them is chosen.
const TRIED: usize = 16;
/// How often a point is moved out of a cuboid that holds it.
const MOVES: usize = 12;
/// Before a cuboid is checked exactly for containing a set, it must hold the ends of this many of the set's runs.
const ENDS: usize = 3;

/// Which cuboids hold which slot.
#[derive(Debug)]
pub struct BitmapIndex {
    /// The rows, by axis of the space.
    axes: Vec<AxisRows>,
    /// The cuboids that are not empty.
    alive: Vec<u64>,
}

/// The rows of one axis; empty when no cuboid is restricted on the axis.
#[derive(Debug, Default)]
struct AxisRows {
    rows: Vec<u64>,
    /// How many cuboids hold each slot.
    counts: Vec<u32>,
    /// Whether no cuboid that is restricted on this axis holds the first slot; then no slot is held by fewer cuboids.
    least_first: bool,
}

/// A subset of the cuboids: the non-zero words of bits, ascending.
#[derive(Debug, Clone, Default)]
pub struct CuboidSubset(Vec<(usize, u64)>);

impl CuboidSubset {
    /// The subset with these cuboids, which come in ascending order.
    pub fn of(cuboids: impl Iterator<Item = usize>) -> Self {
        let mut words: Vec<(usize, u64)> = Vec::new();
        for index in cuboids {
            let (word, bit) = (index / 64, 1 << (index % 64));
            match words.last_mut() {
                Some((last, bits)) if *last == word => *bits |= bit,
                _ => words.push((word, bit)),
            }
        }
        Self(words)
    }

    /// The cuboids whose bit is set in `words`.
    pub fn of_words(words: &[u64]) -> Self {
        Self(words.iter().copied().enumerate().filter(|(_, bits)| *bits != 0).collect())
    }

    /// The number of the first cuboid.
    pub fn first(&self) -> Option<usize> {
        self.0.first().map(|(word, bits)| word * 64 + bits.trailing_zeros() as usize)
    }

    /// Whether the subset is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The cost of a question about the subset, in units of a [`Meter`].
    pub fn cost(&self) -> u64 {
        self.0.len() as u64 + 8
    }

    fn count(&self) -> u32 {
        self.0.iter().map(|(_, bits)| bits.count_ones()).sum()
    }

    /// The numbers of the cuboids, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = usize> + Clone + '_ {
        self.0
            .iter()
            .flat_map(|(word, bits)| (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit))
    }

    fn within(&self, row: &[u64]) -> u32 {
        self.0.iter().map(|(word, bits)| (row.get(*word).copied().unwrap_or_default() & bits).count_ones()).sum()
    }

    /// Removes the cuboids whose bit in `row` is not set.
    fn keep(&mut self, row: &[u64]) {
        self.0.retain_mut(|(word, bits)| {
            *bits &= row.get(*word).copied().unwrap_or_default();
            *bits != 0
        });
    }
}

/// A point, and the cuboids that hold it.
#[derive(Debug)]
pub struct Probe {
    /// The slot on each axis.
    pub point: Vec<usize>,
    /// The cuboids of the subset in question that hold the point.
    pub held_by: CuboidSubset,
}

impl Probe {
    /// The point as a cell.
    pub fn cell(&self) -> Cell {
        self.point.iter().map(|slot| SlotSet::of([(*slot, *slot + 1)])).collect()
    }
}

impl BitmapIndex {
    /// The index of some cuboids, where `None` stands for an empty cuboid. Returns `None` when the rows would take too
    /// much memory or the budget does not suffice.
    pub fn new<'a>(
        space: &Space,
        cuboids: impl Iterator<Item = Option<&'a Cuboid>>,
        meter: &mut Meter,
    ) -> Option<Self> {
        // By axis: where cuboids begin or cease to hold slots, and which cuboids are restricted at all.
        let mut turns: Vec<Vec<(usize, usize)>> = vec![Vec::new(); space.axes.len()];
        let mut restricted: Vec<Vec<usize>> = vec![Vec::new(); space.axes.len()];
        let mut alive: Vec<u64> = Vec::new();
        for (index, cuboid) in cuboids.enumerate() {
            if index.is_multiple_of(64) {
                alive.push(0);
            }
            let Some(cuboid) = cuboid else { continue };
            if let Some(word) = alive.last_mut() {
                *word |= 1 << (index % 64);
            }
            for (axis, keep) in &cuboid.parts {
                if let (Some(turns), Some(restricted)) = (turns.get_mut(*axis), restricted.get_mut(*axis)) {
                    restricted.push(index);
                    turns.extend(keep.runs().iter().flat_map(|(start, end)| [(*start, index), (*end, index)]));
                }
            }
        }
        let slots = space.axes.iter().zip(&restricted).filter(|(_, restricted)| !restricted.is_empty());
        let words: usize = slots.map(|(axis, _)| axis.slots.len() * alive.len()).fold(0, usize::saturating_add);
        if words > MOST_WORDS || !meter.spend(words as u64 / 64 + 1) {
            return None;
        }
        let axes = space.axes.iter().zip(turns).zip(restricted);
        let axes = axes.map(|((axis, turns), restricted)| AxisRows::new(axis.slots.len(), &alive, turns, &restricted));
        Some(Self { axes: axes.collect(), alive })
    }

    /// The maximum number of words that the rows of `cuboids` cuboids take.
    pub fn words(space: &Space, cuboids: usize) -> u64 {
        let slots = space.axes.iter().map(|axis| axis.slots.len() as u64).fold(0, u64::saturating_add);
        slots.saturating_mul(cuboids.div_ceil(64) as u64)
    }

    /// The first cuboid of a subset that contains the whole `cell`.
    pub fn container<'a>(
        &self,
        cell: &Cell,
        subset: &CuboidSubset,
        cuboid: impl Fn(usize) -> Option<&'a Cuboid>,
    ) -> Option<usize> {
        let mut left = self.non_empty(subset);
        for (rows, set) in self.restricting(cell) {
            for (start, end) in set.runs().iter().take(ENDS) {
                left.keep(rows.row(*start, &self.alive));
                if end - start > 1 {
                    left.keep(rows.row(end - 1, &self.alive));
                }
            }
            if left.is_empty() {
                return None;
            }
        }
        left.numbers().find(|index| cuboid(*index).is_some_and(|cuboid| Space::is_within(cell, cuboid)))
    }

    /// A point of `cell` that few cuboids of a subset hold, usually none.
    pub fn probe<'a>(&self, cell: &Cell, subset: &CuboidSubset, cuboid: impl Fn(usize) -> Option<&'a Cuboid>) -> Probe {
        let mut point: Vec<usize> = cell.iter().map(|set| set.first().unwrap_or_default()).collect();
        let all = self.non_empty(subset);
        let mut held_by = all.clone();
        let mut wide: Vec<(usize, usize)> = Vec::new();
        for (axis, (rows, set)) in self.axes.iter().zip(cell).enumerate() {
            let Some(first) = set.first().filter(|_| !rows.rows.is_empty()) else { continue };
            let slots = set.count();
            if slots == 1 || (first == 0 && rows.least_first) {
                held_by.keep(rows.row(first, &self.alive));
            } else {
                wide.push((slots, axis));
            }
        }
        // The axes with the fewest choices first.
        wide.sort_unstable();
        for (_, axis) in wide {
            let (Some(rows), Some(set)) = (self.axes.get(axis), cell.get(axis)) else { continue };
            let Some((_, slot)) = rows.least(set, &held_by) else { continue };
            held_by.keep(rows.row(slot, &self.alive));
            if let Some(place) = point.get_mut(axis) {
                *place = slot;
            }
        }
        for _ in 0..MOVES {
            let Some(blocking) = held_by.first().and_then(&cuboid) else { break };
            let moves = blocking.parts.iter().filter_map(|(axis, keep)| {
                let outside = cell.get(*axis)?.minus(keep);
                let others = self.holding(&point, &all, Some(*axis));
                let (count, slot) = self.axes.get(*axis)?.least(&outside, &others)?;
                Some((count, *axis, slot))
            });
            let Some((count, axis, slot)) = moves.min() else { break };
            if count >= held_by.count() {
                break;
            }
            if let Some(place) = point.get_mut(axis) {
                *place = slot;
            }
            held_by = self.holding(&point, &all, None);
        }
        Probe { point, held_by }
    }

    /// The cuboids of a subset that hold a point.
    pub fn at(&self, point: &[usize], subset: &CuboidSubset) -> CuboidSubset {
        self.holding(point, &self.non_empty(subset), None)
    }

    fn holding(&self, point: &[usize], all: &CuboidSubset, but_for: Option<usize>) -> CuboidSubset {
        let mut left = all.clone();
        for (axis, (rows, slot)) in self.axes.iter().zip(point).enumerate() {
            if !rows.rows.is_empty() && but_for != Some(axis) {
                left.keep(rows.row(*slot, &self.alive));
            }
        }
        left
    }

    fn non_empty(&self, subset: &CuboidSubset) -> CuboidSubset {
        let mut non_empty = subset.clone();
        non_empty.keep(&self.alive);
        non_empty
    }

    fn restricting<'t>(&'t self, cell: &'t Cell) -> impl Iterator<Item = (&'t AxisRows, &'t SlotSet)> {
        self.axes.iter().zip(cell).filter(|(rows, _)| !rows.rows.is_empty())
    }
}

impl AxisRows {
    fn new(slots: usize, alive: &[u64], mut turns: Vec<(usize, usize)>, restricted: &[usize]) -> Self {
        if restricted.is_empty() {
            return Self::default();
        }
        let mut row = alive.to_vec();
        for index in restricted {
            if let Some(word) = row.get_mut(index / 64) {
                *word &= !(1 << (index % 64));
            }
        }
        let mut held: usize = row.iter().map(|word| word.count_ones() as usize).sum();
        turns.sort_unstable();
        let least_first = turns.first().is_none_or(|(slot, _)| *slot > 0);
        let mut rows: Vec<u64> = Vec::with_capacity(slots * alive.len());
        let mut counts = Vec::with_capacity(slots);
        let mut next = turns.iter().copied().peekable();
        for slot in 0..slots {
            while let Some((_, index)) = next.next_if(|(at, _)| *at == slot) {
                if let Some(word) = row.get_mut(index / 64) {
                    *word ^= 1 << (index % 64);
                    held = if *word >> (index % 64) & 1 == 1 { held + 1 } else { held - 1 };
                }
            }
            rows.extend_from_slice(&row);
            counts.push(u32::try_from(held).unwrap_or(u32::MAX));
        }
        Self { rows, counts, least_first }
    }

    fn row(&self, slot: usize, alive: &[u64]) -> &[u64] {
        self.rows.get(slot * alive.len()..(slot + 1) * alive.len()).unwrap_or_default()
    }

    /// Among the slots of a set that are compared, the one that the fewest cuboids of a subset hold, with the number of
    /// those cuboids.
    fn least(&self, set: &SlotSet, among: &CuboidSubset) -> Option<(u32, usize)> {
        let width = self.rows.len() / self.counts.len().max(1);
        let apart = set.count().div_ceil(TRIED).max(1);
        let mut best: Option<(u32, usize)> = None;
        for (start, end) in set.runs().iter().copied() {
            for from in (start..end).step_by(apart) {
                let counts = self.counts.get(from..(from + apart).min(end)).unwrap_or_default().iter();
                // Of neighbouring slots, the one that the fewest of all cuboids hold represents the others.
                let Some((near, _)) = counts.enumerate().min_by_key(|(_, count)| **count) else { continue };
                let slot = from + near;
                let count = among.within(self.rows.get(slot * width..(slot + 1) * width).unwrap_or_default());
                if best.is_none_or(|(least, _)| count < least) {
                    best = Some((count, slot));
                }
                if count == 0 {
                    return best;
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests;
