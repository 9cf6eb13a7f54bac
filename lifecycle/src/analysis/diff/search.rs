//! Cutting a box until both bundles answer alike everywhere in each piece.

use std::{collections::BTreeSet, sync::Arc};

use super::{Found, Outcome};
use crate::{
    analysis::{
        Meter,
        space::{Cell, Footprint, Region as Box, Space, and, is_empty, minus},
    },
    bundle::{Bundle, Effect},
};

/// A decider in one bundle: where it decides, where it matches, and what it answers.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    pub(super) footprint: &'a Footprint,
    matched: Outcome,
    error: Outcome,
    rule: Option<&'a str>,
    /// The same in both bundles, whatever it answers.
    pub(super) shared: bool,
}

/// A search in one space.
pub(super) struct Search<'a> {
    pub(super) space: Arc<Space>,
    pub(super) before: &'a Bundle,
    pub(super) after: &'a Bundle,
    pub(super) found: Vec<Found>,
}

type Lists<'e, 'a> = (Arc<[&'e Entry<'a>]>, Arc<[&'e Entry<'a>]>);

impl Search<'_> {
    /// Cuts `cell` until both answers are constant, and keeps the pieces where they differ.
    pub(super) fn cut(&mut self, cell: Cell, old: &[Entry<'_>], new: &[Entry<'_>], meter: &mut Meter) -> bool {
        let mut allowance = meter.allowance();
        let lists: Lists<'_, '_> = (old.iter().collect(), new.iter().collect());
        let mut open = vec![(cell, lists)];
        while let Some((cell, (old, new))) = open.pop() {
            let work = (old.len() + new.len()) as u64 + 1;
            if !meter.spend(work) || allowance < work {
                return false;
            }
            allowance -= work;
            let old = meeting(&cell, &old);
            let new = meeting(&cell, &new);
            let first = (old.first().copied(), new.first().copied());
            if let (Some(a), Some(b)) = first
                && a.shared
                && b.shared
                && a.rule == b.rule
                && a.error == b.error
            {
                // The same rule decides both: whatever it answers, it answers alike.
                let Some(region) = &a.footprint.decides else { continue };
                let lists: Lists<'_, '_> =
                    (old.iter().skip(1).copied().collect(), new.iter().skip(1).copied().collect());
                open.extend(outside(cell, region).into_iter().map(|slab| (slab, lists.clone())));
                continue;
            }
            let (before, after) =
                (settle(&cell, first.0, self.before.default_effect), settle(&cell, first.1, self.after.default_effect));
            match (before, after) {
                (Settled::Cut(region), _) | (_, Settled::Cut(region)) => {
                    let lists: Lists<'_, '_> = (old.clone(), new.clone());
                    if let Some(inside) = Space::intersect(&cell, region) {
                        open.push((inside, lists.clone()));
                    }
                    open.extend(outside(cell, region).into_iter().map(|slab| (slab, lists.clone())));
                }
                (Settled::Answer(before, old_rule), Settled::Answer(after, new_rule)) => {
                    if before != after {
                        self.found.push(Found {
                            scopes: Vec::new(),
                            space: Arc::clone(&self.space),
                            cell,
                            before: (before, old_rule.map(str::to_owned)),
                            after: (after, new_rule.map(str::to_owned)),
                        });
                    }
                }
            }
        }
        true
    }
}

enum Settled<'a> {
    Answer(Outcome, Option<&'a str>),
    /// Cut along this box first.
    Cut(&'a Box),
}

/// What the first entry that meets the cell answers, when it answers alike everywhere in the cell.
fn settle<'a>(cell: &Cell, first: Option<&'a Entry<'a>>, default: Effect) -> Settled<'a> {
    let Some(entry) = first else { return Settled::Answer(Outcome { effect: default, error: false }, None) };
    match &entry.footprint.decides {
        Some(region) if !contains(region, cell) => return Settled::Cut(region),
        _ => {}
    }
    match &entry.footprint.matches {
        None => Settled::Answer(entry.error, entry.rule),
        Some(region) if contains(region, cell) => Settled::Answer(entry.matched, entry.rule),
        Some(region) if !meets(region, cell) => Settled::Answer(entry.error, entry.rule),
        Some(region) => Settled::Cut(region),
    }
}

fn meeting<'e, 'a>(cell: &Cell, list: &[&'e Entry<'a>]) -> Arc<[&'e Entry<'a>]> {
    let mut kept = Vec::new();
    for entry in list {
        let Some(region) = &entry.footprint.decides else { continue };
        if meets(region, cell) {
            kept.push(*entry);
            if contains(region, cell) {
                break; // Nothing behind it is asked here.
            }
        }
    }
    kept.into()
}

fn meets(region: &Box, cell: &Cell) -> bool {
    region.parts.iter().all(|(axis, keep)| cell.get(*axis).is_some_and(|have| !is_empty(&and(have, keep))))
}

fn contains(region: &Box, cell: &Cell) -> bool {
    region.parts.iter().all(|(axis, keep)| cell.get(*axis).is_some_and(|have| is_empty(&minus(have, keep))))
}

/// The disjoint slabs of `cell` outside `region`.
pub(super) fn outside(cell: Cell, region: &Box) -> Vec<Cell> {
    if !meets(region, &cell) {
        return vec![cell];
    }
    let mut slabs = Vec::new();
    let mut rest = cell;
    for (axis, keep) in &region.parts {
        let Some(have) = rest.get(*axis).cloned() else { continue };
        let out = minus(&have, keep);
        if !is_empty(&out) {
            let mut slab = rest.clone();
            if let Some(set) = slab.get_mut(*axis) {
                *set = out;
            }
            slabs.push(slab);
        }
        if let Some(set) = rest.get_mut(*axis) {
            *set = and(&have, keep);
        }
    }
    slabs
}

/// The deciders of one bundle, in the order in which they are asked.
pub(super) fn entries<'a>(
    prints: &'a [(Footprint, Option<String>, Option<Effect>)],
    bundle: &Bundle,
    shared: &BTreeSet<&str>,
) -> Vec<Entry<'a>> {
    let error = Outcome { effect: bundle.on_error, error: true };
    prints
        .iter()
        .map(|(footprint, rule, effect)| Entry {
            footprint,
            matched: effect.map_or(error, |effect| Outcome { effect, error: false }),
            error,
            rule: rule.as_deref(),
            shared: rule.as_deref().is_some_and(|rule| shared.contains(rule)),
        })
        .collect()
}
