//! Fields inside each other: which points of a space are the points of no context, and the context of a point.
//!
//! The evaluator follows a dotted path whenever the context has a member named by the first segment, and looks at a key
//! spelled like the whole path only otherwise. So while `sender` is a text, `sender.domain` is missing; and while
//! `sender` is an object, `sender.a.b` is there only inside an object `sender.a`. Without a member `sender` every field
//! below it can have any value, each under a key of its own.

use serde_json::{Map, Value};

use super::{Axis, Cell, Cuboid, Slot, SlotKind, SlotSet, Space, context::place};

impl Cuboid {
    /// The cuboids whose union is everything impossible.
    pub(super) fn all_impossible(axes: &[Axis]) -> Vec<Self> {
        let mut all = Vec::new();
        for (outer, below) in axes.iter().enumerate() {
            for (inner, above) in inside(axes, &below.field) {
                let mut parts = vec![(inner, those(above, |kind| *kind != SlotKind::Missing))];
                match below.field.split_once('.') {
                    None => {
                        parts.push((
                            outer,
                            those(below, |kind| !matches!(kind, SlotKind::Missing | SlotKind::Composite)),
                        ));
                    }
                    Some((first, _)) => {
                        // Both paths are dotted: they are nested only while the first segment is an object.
                        let Ok(first) = axes.binary_search_by(|axis| axis.field.as_str().cmp(first)) else { continue };
                        let Some(axis) = axes.get(first) else { continue };
                        parts.push((first, those(axis, |kind| *kind == SlotKind::Composite)));
                        parts.push((outer, those(below, |kind| *kind != SlotKind::Composite)));
                    }
                }
                parts.sort_unstable_by_key(|(axis, _)| *axis);
                if parts.iter().all(|(_, slots)| !slots.is_empty()) {
                    all.push(Self { parts });
                }
            }
        }
        all
    }
}

/// The axes of the fields inside `outer`, with their numbers. Axes are sorted by field, so these follow each other.
fn inside<'a>(axes: &'a [Axis], outer: &str) -> impl Iterator<Item = (usize, &'a Axis)> {
    let start = format!("{outer}.");
    let first = axes.partition_point(|axis| axis.field < start);
    axes.iter().enumerate().skip(first).take_while(move |(_, axis)| axis.field.starts_with(&start))
}

fn those(axis: &Axis, wanted: impl Fn(&SlotKind) -> bool) -> SlotSet {
    SlotSet::those(axis.slots.len(), |slot| axis.slots.get(slot).is_some_and(|slot| wanted(&slot.kind)))
}

/// Whether the path `inner` leads on from the path `outer`.
fn is_inside(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

/// A field of a space, with the slot it is in.
type Field<'s> = (&'s str, &'s Slot);

impl Space {
    /// A context in the first slot of every axis of `cell`, whose point there must be possible.
    pub fn context(&self, cell: &Cell) -> Map<String, Value> {
        let fields: Vec<Field<'_>> = self
            .axes
            .iter()
            .zip(cell)
            .filter_map(|(axis, set)| Some((axis.field.as_str(), axis.slots.get(set.first()?)?)))
            .collect();
        let mut facts = Map::new();
        for (path, slot) in &fields {
            let Some(value) = &slot.sample else { continue };
            match path.split_once('.') {
                Some((first, _)) if is_flat(&fields, first) => {
                    facts.insert((*path).to_owned(), value.clone());
                }
                // An object with fields inside comes into being with them.
                _ if slot.kind == SlotKind::Composite && has_inside(&fields, path) => {}
                _ => place(&mut facts, path, value.clone()),
            }
        }
        facts
    }
}

/// Whether a field inside `outer` is there.
fn has_inside(fields: &[Field<'_>], outer: &str) -> bool {
    fields.iter().any(|(inner, slot)| slot.sample.is_some() && is_inside(inner, outer))
}

/// Whether the fields below `first` are written as keys of their own: where `first` itself must be missing, and where one
/// of them is inside another that is no object.
fn is_flat(fields: &[Field<'_>], first: &str) -> bool {
    match fields.iter().find(|(path, _)| *path == first) {
        Some((_, slot)) => slot.sample.is_none(),
        None => fields.iter().any(|(outer, slot)| {
            is_inside(outer, first) && slot.kind != SlotKind::Composite && has_inside(fields, outer)
        }),
    }
}
