//! Reducing the axes of a question to the few slots that matter.
//!
//! A row lists the cuboids that hold a slot. Where one slot's row contains another slot's row, the first slot is
//! covered wherever the second is, so only minimal rows matter. Where one row is left on an axis, the cuboids outside
//! that row drop out.

use super::{
    Meter,
    space::{Cell, Cuboid, Run, SlotSet},
};

/// When an axis has more rows than this, each row is compared with its neighbours only.
const MOST_COMPARED: usize = 48;

/// One axis with its remaining slots.
#[derive(Debug)]
pub struct ReducedAxis {
    /// The number of the axis in the space.
    pub axis: usize,
    /// Words needed for one bit per local slot.
    pub words: usize,
    /// The slots of the space that each local slot represents.
    slots: Vec<Run>,
    /// Row by row, the cuboids that hold the local slot.
    rows: Vec<u64>,
    /// Words per row.
    stride: usize,
}

impl ReducedAxis {
    fn row(&self, slot: usize) -> &[u64] {
        row(&self.rows, self.stride, slot)
    }

    /// Every local slot.
    pub fn full(&self) -> impl Iterator<Item = u64> {
        let count = self.slots.len();
        (0..self.words).map(move |word| match count - word * 64 {
            64.. => u64::MAX,
            some => (1 << some) - 1,
        })
    }

    /// Appends the local slots that the cuboid with this number holds.
    pub fn held_by(&self, index: usize, held: &mut Vec<u64>) {
        for word in 0..self.words {
            let slots = (word * 64..self.slots.len().min(word * 64 + 64)).enumerate();
            held.push(slots.filter(|(_, slot)| has(self.row(*slot), index)).fold(0, |bits, (bit, _)| bits | 1 << bit));
        }
    }

    /// The slots of the space that the first of some local slots represents.
    pub fn first(&self, slots: &[u64]) -> Option<Run> {
        let (word, bits) = slots.iter().enumerate().find(|(_, bits)| **bits != 0)?;
        self.slots.get(word * 64 + bits.trailing_zeros() as usize).copied()
    }
}

/// The cuboids that may still matter.
#[derive(Debug)]
pub struct RemainingCuboids(Vec<u64>);

impl RemainingCuboids {
    /// Whether the cuboid with this number may still matter.
    pub fn contains(&self, index: &usize) -> bool {
        has(&self.0, *index)
    }
}

/// The axes on which the cuboids of `touching` differ, reduced to few slots each, and the remaining cuboids. All of
/// `touching` intersect the cell. Returns `None` when the budget runs out.
pub fn reduce_axes(
    cell: &Cell,
    touching: &[(usize, &Cuboid)],
    meter: &mut Meter,
) -> Option<(Vec<ReducedAxis>, RemainingCuboids)> {
    let stride = touching.len().div_ceil(64);
    let mut left = vec![0; stride];
    (0..touching.len()).for_each(|index| set(&mut left, index));
    let mut axes: Vec<usize> = Vec::new();
    for (axis, keep) in touching.iter().flat_map(|(_, cuboid)| &cuboid.parts) {
        if !axes.contains(axis) && cell.get(*axis).is_some_and(|have| !have.within(keep)) {
            axes.push(*axis);
        }
    }
    axes.sort_unstable();
    let mut locals: Vec<ReducedAxis> = Vec::with_capacity(axes.len());
    let mut allowance = meter.allowance();
    for axis in axes {
        let have = cell.get(axis)?;
        let on_axis: Vec<(usize, &SlotSet)> = touching
            .iter()
            .enumerate()
            .filter(|(index, _)| has(&left, *index))
            .filter_map(|(index, (_, cuboid))| {
                let at = cuboid.parts.binary_search_by_key(&axis, |(axis, _)| *axis).ok()?;
                Some((index, &cuboid.parts.get(at)?.1))
            })
            .collect();
        let slots = segments(have, &on_axis);
        let work = (slots.len() * stride) as u64 / 8 + on_axis.len() as u64 / 8;
        if !meter.spend(work) || allowance < work {
            return None;
        }
        allowance -= work;
        let mut unrestricted = left.clone();
        on_axis.iter().for_each(|(index, _)| clear(&mut unrestricted, *index));
        let mut rows: Vec<u64> = Vec::with_capacity(slots.len() * stride);
        (0..slots.len()).for_each(|_| rows.extend_from_slice(&unrestricted));
        for (index, keep) in on_axis {
            for (start, end) in have.shared(keep) {
                let from = slots.partition_point(|(_, last)| *last <= start);
                let within = slots.get(from..).unwrap_or_default().iter().take_while(|(first, _)| *first < end).count();
                for slot in from..from + within {
                    if let Some(row) = rows.get_mut(slot * stride..(slot + 1) * stride) {
                        set(row, index);
                    }
                }
            }
        }
        let kept = minimal_rows(&rows, stride, slots.len());
        if let [only] = kept.as_slice() {
            let only = row(&rows, stride, *only);
            left.iter_mut().zip(only).for_each(|(left, only)| *left &= only);
        }
        let slots: Vec<Run> = kept.iter().filter_map(|slot| slots.get(*slot).copied()).collect();
        let rows = kept.iter().flat_map(|slot| row(&rows, stride, *slot)).copied().collect();
        locals.push(ReducedAxis { axis, words: slots.len().div_ceil(64), slots, rows, stride });
    }
    Some((locals, RemainingCuboids(left)))
}

/// `have`, cut wherever one of the sets begins or ends.
fn segments(have: &SlotSet, sets: &[(usize, &SlotSet)]) -> Vec<Run> {
    let mut cuts: Vec<usize> = Vec::with_capacity(2 * sets.len() + 2 * have.runs().len());
    cuts.extend(have.runs().iter().flat_map(|(start, end)| [*start, *end]));
    cuts.extend(sets.iter().flat_map(|(_, keep)| have.shared(keep)).flat_map(|(start, end)| [start, end]));
    cuts.sort_unstable();
    cuts.dedup();
    let inside = |run: &Run| have.has(run.0);
    cuts.iter().copied().zip(cuts.iter().skip(1).copied()).filter(inside).collect()
}

/// The slots with minimal rows. When one row contains another, only the contained row is listed; of equal rows only the
/// first.
fn minimal_rows(rows: &[u64], stride: usize, count: usize) -> Vec<usize> {
    let at = |slot: usize| row(rows, stride, slot);
    let mut minimal: Vec<usize> = Vec::new();
    for slot in 0..count {
        if minimal.last().is_some_and(|last| has_all(at(slot), at(*last))) {
            continue;
        }
        while minimal.last().is_some_and(|last| has_all(at(*last), at(slot))) {
            minimal.pop();
        }
        if minimal.last().is_none_or(|last| !has_all(at(slot), at(*last))) {
            minimal.push(slot);
        }
    }
    if minimal.len() <= MOST_COMPARED {
        let mut least: Vec<usize> = Vec::with_capacity(minimal.len());
        for slot in minimal {
            if least.iter().all(|other| !has_all(at(slot), at(*other))) {
                least.retain(|other| !has_all(at(*other), at(slot)));
                least.push(slot);
            }
        }
        minimal = least;
    }
    minimal
}

fn row(rows: &[u64], stride: usize, slot: usize) -> &[u64] {
    rows.get(slot * stride..(slot + 1) * stride).unwrap_or_default()
}

/// Whether `row` has every bit of `other`.
fn has_all(row: &[u64], other: &[u64]) -> bool {
    row.iter().zip(other).all(|(row, other)| other & !row == 0)
}

fn has(bits: &[u64], index: usize) -> bool {
    bits.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
}

fn set(bits: &mut [u64], index: usize) {
    if let Some(word) = bits.get_mut(index / 64) {
        *word |= 1 << (index % 64);
    }
}

fn clear(bits: &mut [u64], index: usize) {
    if let Some(word) = bits.get_mut(index / 64) {
        *word &= !(1 << (index % 64));
    }
}
