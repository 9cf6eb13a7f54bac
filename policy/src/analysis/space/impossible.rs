//! Fields inside each other: which points of a space are the points of no context, and the context of a point.
//!
//! The evaluator follows a dotted path whenever the context has a member named by the first segment, and looks at a key
//! spelled like the whole path only otherwise. So while `sender` is a text, `sender.domain` is missing; and while
//! `sender` is an object, `sender.a` cannot be a text and `sender.a.b` be there. Without a member `sender` every field below
//! it can have any value, each under a key of its own.

use serde_json::{Map, Value};

use super::{Axis, Cell, Cuboid, Slot, SlotKind, SlotSet, Space, context::place};

impl Cuboid {
    /// The cuboids whose union is everything impossible.
    pub(super) fn all_impossible(axes: &[Axis]) -> Vec<Self> {
        if !axes.iter().any(|axis| axis.field.contains('.')) {
            return Vec::new();
        }
        let mut all = Vec::new();
        for (outer, below) in axes.iter().enumerate() {
            for (inner, above) in axes.iter().enumerate().filter(|(_, inner)| is_inside(&inner.field, &below.field)) {
                let mut parts = vec![
                    (outer, those(below, |kind| !matches!(kind, SlotKind::Missing | SlotKind::Composite))),
                    (inner, those(above, |kind| *kind != SlotKind::Missing)),
                ];
                if let Some((first, _)) = below.field.split_once('.') {
                    // Both paths are dotted: they are nested only while the first segment is an object.
                    let Some(first) = axes.iter().position(|axis| axis.field == first) else { continue };
                    let Some(axis) = axes.get(first) else { continue };
                    parts.push((first, those(axis, |kind| *kind == SlotKind::Composite)));
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

fn those(axis: &Axis, wanted: impl Fn(&SlotKind) -> bool) -> SlotSet {
    SlotSet::those(axis.slots.len(), |slot| axis.slots.get(slot).is_some_and(|slot| wanted(&slot.kind)))
}

/// Whether the path `inner` leads on from the path `outer`.
fn is_inside(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

/// A field that is there, with the slot it is in.
type Field<'s> = (&'s str, &'s Slot, &'s Value);

impl Space {
    /// A context in the first slot of every axis of `cell`, whose point there must be possible.
    pub fn context(&self, cell: &Cell) -> Map<String, Value> {
        let fields: Vec<Field<'_>> = self
            .axes
            .iter()
            .zip(cell)
            .filter_map(|(axis, set)| {
                let slot = set.first().and_then(|index| axis.slots.get(index))?;
                Some((axis.field.as_str(), slot, slot.sample.as_ref()?))
            })
            .collect();
        let mut facts = Map::new();
        for (path, slot, value) in &fields {
            // An object with fields inside comes into being with them.
            let holds_others = fields.iter().any(|(other, ..)| is_inside(other, path));
            match path.split_once('.') {
                Some((first, _)) if is_flat(self, &fields, first) => {
                    facts.insert((*path).to_owned(), (*value).clone());
                }
                _ if holds_others && slot.kind == SlotKind::Composite => {}
                _ => place(&mut facts, path, (*value).clone()),
            }
        }
        facts
    }
}

/// Whether the fields below `first` are written as keys of their own: where `first` itself must be missing, and where one
/// of them is inside another that is no object.
fn is_flat(space: &Space, fields: &[Field<'_>], first: &str) -> bool {
    match (space.axis(first), fields.iter().find(|(path, ..)| *path == first)) {
        (Some(_), there) => there.is_none(),
        (None, _) => fields.iter().filter(|(path, ..)| is_inside(path, first)).any(|(outer, slot, _)| {
            slot.kind != SlotKind::Composite && fields.iter().any(|(inner, ..)| is_inside(inner, outer))
        }),
    }
}
