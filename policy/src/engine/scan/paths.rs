//! The dotted paths that a bundle reads, as a tree of keys.

use crate::engine::{Fact, compiled::short_strings::StringMap};

/// Stands for no field and no slot.
const NONE: u32 = u32::MAX;

/// The paths, each by its number. A value found at a path goes into the slot of that number.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Paths {
    count: usize,
    // INVARIANT: the first node stands for the context itself.
    nodes: Vec<Node>,
    /// Keys of the context that are spelled like a whole dotted path, each with the slot of its value.
    spelled_out: StringMap,
    /// By path, the slot of the value whose key is spelled like the whole path. Empty when no path has a dot.
    spelled_out_slots: Vec<u32>,
}

/// A key on the way to a value.
#[derive(Debug, Clone)]
struct Node {
    field: u32,
    children: StringMap,
    /// Every field at or below this key.
    fields: Vec<u32>,
}

impl Node {
    const fn is_leaf(&self) -> bool {
        self.field != NONE && self.fields.len() == 1
    }
}

impl Paths {
    /// The node of the context itself.
    pub(super) const ROOT: usize = 0;
    /// The node of a key that leads to no path. Nothing below such a key leads to a path either.
    pub(super) const NOWHERE: usize = usize::MAX;

    /// The paths, numbered in their order.
    pub(in crate::engine) fn new<'p>(paths: impl Iterator<Item = &'p str>) -> Self {
        let fresh = || Node { field: NONE, children: StringMap::default(), fields: Vec::new() };
        let mut all = Self { nodes: vec![fresh()], ..Self::default() };
        let mut dotted = Vec::new();
        for (number, path) in (0_u32..).zip(paths) {
            let mut here = Self::ROOT;
            for key in path.split('.') {
                let next = all.nodes.len();
                let Some(node) = all.nodes.get_mut(here) else { continue };
                here = node.children.number(key, u32::try_from(next).unwrap_or(NONE)) as usize;
                if here == next {
                    all.nodes.push(fresh());
                }
                if let Some(node) = all.nodes.get_mut(here) {
                    node.fields.push(number);
                }
            }
            if let Some(node) = all.nodes.get_mut(here) {
                node.field = number;
            }
            if path.contains('.') {
                dotted.push((number, path));
            }
            all.count += 1;
        }
        if !dotted.is_empty() {
            all.spelled_out_slots = vec![NONE; all.count];
        }
        for (at, (number, path)) in dotted.into_iter().enumerate() {
            let slot = u32::try_from(all.count + at).unwrap_or(NONE);
            all.spelled_out.number(path, slot);
            if let Some(entry) = all.spelled_out_slots.get_mut(number as usize) {
                *entry = slot;
            }
        }
        all
    }

    /// The number of slots: one for each path, followed by one for each dotted path.
    pub(super) fn slots(&self) -> usize {
        self.count + self.spelled_out.len()
    }

    /// The empty slots that the paths need: in `few` if it is large enough, otherwise in `many`.
    #[inline]
    pub(in crate::engine) fn slots_in<'s, 'a>(
        &self,
        few: &'s mut [Fact<'a>],
        many: &'s mut Vec<Fact<'a>>,
    ) -> &'s mut [Fact<'a>] {
        let slots = self.slots();
        match few.get_mut(..slots) {
            Some(few) => few,
            None => {
                many.resize(slots, Fact::Missing);
                many
            }
        }
    }

    /// The node of `key` below `node`.
    #[inline]
    pub(super) fn child(&self, node: usize, key: &str) -> usize {
        let child = self.nodes.get(node).and_then(|node| node.children.get(key));
        child.map_or(Self::NOWHERE, |node| node as usize)
    }

    /// The slot for the value under a key of the context that is spelled like a whole dotted path.
    pub(super) fn spelled_out(&self, key: &str) -> Option<u32> {
        if self.spelled_out_slots.is_empty() { None } else { self.spelled_out.get(key) }
    }

    /// The slot to use for a field when its nested path leads to no value.
    pub(super) fn spelled_out_slot(&self, field: u32) -> Option<u32> {
        self.spelled_out_slots.get(field as usize).copied()
    }

    /// Records the value at `node`, and clears the values that an earlier occurrence of its key recorded below it.
    pub(super) fn note<T: Clone>(&self, node: usize, slots: &mut [T], value: T, missing: &T) {
        let Some(node) = self.nodes.get(node) else { return };
        if !node.is_leaf() {
            for field in &node.fields {
                if let Some(slot) = slots.get_mut(*field as usize) {
                    slot.clone_from(missing);
                }
            }
        }
        if let Some(slot) = slots.get_mut(node.field as usize) {
            *slot = value;
        }
    }
}
