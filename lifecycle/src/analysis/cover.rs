//! The one question: is a box inside the union of others? If not, where does it stick out?

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Meter,
    space::{Cell, Region, and, count, is_empty, minus},
};

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Coverage {
    /// Every point is covered. The numbers name the boxes that the proof used.
    Covered(BTreeSet<usize>),
    /// A box of points that no box covers.
    Open(Cell),
    /// The work budget ran out.
    Undecided,
}

enum Relation {
    Apart,
    Contains,
    /// The share of the cell that the box covers, 0–1.
    Overlaps(f64),
}

fn relation(cell: &Cell, region: &Region) -> Relation {
    let mut share = 1.0;
    let mut contains = true;
    for (axis, keep) in &region.parts {
        let Some(have) = cell.get(*axis) else { return Relation::Apart };
        let (mut inside, mut all) = (0, 0);
        for (have, keep) in have.iter().zip(keep.iter()) {
            inside += (have & keep).count_ones();
            all += have.count_ones();
        }
        if inside == 0 {
            return Relation::Apart;
        }
        contains &= inside == all;
        share *= f64::from(inside) / f64::from(all);
    }
    if contains { Relation::Contains } else { Relation::Overlaps(share) }
}

/// A slab that waits, with the boxes that may still meet it.
type Waiting<'a> = (Cell, Arc<[(usize, &'a Region)]>);

/// Whether `cell` lies inside the union of `boxes`, which are given with the number that names each.
///
/// Take the box that covers most of the cell; what it leaves splits into at most one slab an axis; ask the same of each
/// slab with the boxes that still meet it. A box that contains a slab settles it, and a slab that no box meets is a
/// witness. The slabs wait on a heap-allocated stack, so that hostile input cannot overflow the call stack.
pub fn uncovered(cell: Cell, boxes: &[(usize, &Region)], meter: &mut Meter) -> Coverage {
    let mut allowance = meter.allowance();
    let mut used = BTreeSet::new();
    let mut open: Vec<Waiting<'_>> = vec![(cell, boxes.into())];
    while let Some((cell, boxes)) = open.pop() {
        let work = boxes.len() as u64 + 1;
        // Paid even when it is too much, so that asking again and again comes to an end.
        if !meter.spend(work) || allowance < work {
            return Coverage::Undecided;
        }
        allowance -= work;
        let mut touching = Vec::new();
        let mut best: Option<(f64, usize, &Region)> = None;
        let mut container = None;
        for &(name, region) in boxes.iter() {
            match relation(&cell, region) {
                Relation::Apart => {}
                Relation::Contains => {
                    container = Some(name);
                    break;
                }
                Relation::Overlaps(share) => {
                    touching.push((name, region));
                    if best.is_none_or(|(most, ..)| share > most) {
                        best = Some((share, name, region));
                    }
                }
            }
        }
        if let Some(name) = container {
            used.insert(name);
            continue;
        }
        let Some((_, name, region)) = best else { return Coverage::Open(cell) };
        used.insert(name);
        touching.retain(|(other, _)| *other != name);
        let touching: Arc<[(usize, &Region)]> = touching.into();
        let mut rest = cell;
        // Narrow axes first: their slabs are small and settle soon.
        let mut parts: Vec<_> = region.parts.iter().collect();
        parts.sort_by_key(|(axis, _)| rest.get(*axis).map_or(0, count));
        let mut slabs = Vec::with_capacity(parts.len());
        for (axis, keep) in parts {
            let Some(have) = rest.get(*axis).cloned() else { continue };
            let outside = minus(&have, keep);
            if !is_empty(&outside) {
                let mut slab = rest.clone();
                if let Some(set) = slab.get_mut(*axis) {
                    *set = outside;
                }
                slabs.push((slab, Arc::clone(&touching)));
            }
            if let Some(set) = rest.get_mut(*axis) {
                *set = and(&have, keep);
            }
        }
        // The first slab leaves the other axes free, so a witness found there states the least: it is looked at first.
        open.extend(slabs.into_iter().rev());
    }
    Coverage::Covered(used)
}
