//! The dotted paths that a bundle reads, as a tree of keys.

use serde_json::{Map, Value};

use crate::engine::{
    Fact,
    compiled::short_strings::{Key, StringMap},
    condition::lookup,
};

/// Stands for no field and no slot.
const NONE: u32 = u32::MAX;

/// The paths, each by its number. A value found at a path goes into the slot of that number.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Paths {
    names: Vec<Box<str>>,
    // INVARIANT: the first node stands for the context itself.
    nodes: Vec<Node>,
    /// Keys of the context that are spelled like a whole dotted path, each with the slot of its value.
    flat: StringMap,
    /// By path, the slots that tell what a flat key is worth. Empty when no path has a dot.
    flat_slots: Vec<FlatSlots>,
    slots: usize,
}

/// The slots of a dotted path beside its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct FlatSlots {
    /// The value whose key is spelled like the whole path.
    pub(super) value: u32,
    /// Filled when the context has a member named by the first segment: then the flat key is not looked at.
    pub(super) first_segment: u32,
}

impl FlatSlots {
    const NONE: Self = Self { value: NONE, first_segment: NONE };
}

/// A key on the way to a value.
#[derive(Debug, Clone)]
struct Node {
    /// The slot of the value here.
    field: u32,
    /// The slot that is filled when this first segment of a dotted path is there.
    presence: u32,
    children: StringMap,
}

impl Paths {
    /// The node of the context itself.
    pub(super) const ROOT: usize = 0;
    /// The node of a key that leads to no path. Nothing below such a key leads to a path either.
    pub(super) const NOWHERE: usize = usize::MAX;

    /// The paths, numbered in their order.
    pub(in crate::engine) fn new<'p>(paths: impl Iterator<Item = &'p str>) -> Self {
        let fresh = || Node { field: NONE, presence: NONE, children: StringMap::default() };
        let names: Vec<Box<str>> = paths.map(Box::from).collect();
        let mut all = Self { nodes: vec![fresh()], slots: names.len(), ..Self::default() };
        for (number, path) in (0_u32..).zip(&names) {
            let mut here = Self::ROOT;
            let mut first = Self::ROOT;
            for key in path.split('.') {
                let next = all.nodes.len();
                let Some(node) = all.nodes.get_mut(here) else { continue };
                let child = node.children.number(key, u32::try_from(next).unwrap_or(NONE)) as usize;
                if child == next {
                    all.nodes.push(fresh());
                }
                if here == Self::ROOT {
                    first = child;
                }
                here = child;
            }
            if let Some(node) = all.nodes.get_mut(here) {
                node.field = number;
            }
            if path.contains('.') {
                all.add_flat(number as usize, path, first);
            }
        }
        all.names = names;
        all
    }

    /// Adds the slots of the dotted path with this number, whose first segment is the node `first`.
    fn add_flat(&mut self, number: usize, path: &str, first: usize) {
        let value = self.new_slot();
        self.flat.number(path, value);
        let presence = self.nodes.get(first).map_or(NONE, |node| node.presence);
        let first_segment = if presence == NONE { self.new_slot() } else { presence };
        if let Some(node) = self.nodes.get_mut(first) {
            node.presence = first_segment;
        }
        self.flat_slots.resize(number + 1, FlatSlots::NONE);
        if let Some(slots) = self.flat_slots.get_mut(number) {
            *slots = FlatSlots { value, first_segment };
        }
    }

    fn new_slot(&mut self) -> u32 {
        self.slots += 1;
        u32::try_from(self.slots - 1).unwrap_or(NONE)
    }

    /// The empty slots that the paths need: in `few` if it is large enough, otherwise in `many`.
    #[inline]
    pub(in crate::engine) fn slots_in<'s, 'a>(
        &self,
        few: &'s mut [Fact<'a>],
        many: &'s mut Vec<Fact<'a>>,
    ) -> &'s mut [Fact<'a>] {
        match few.get_mut(..self.slots) {
            Some(few) => few,
            None => {
                many.resize(self.slots, Fact::Missing);
                many
            }
        }
    }

    /// The values of `context` at the paths.
    pub(super) fn facts_of<'a>(&self, context: &'a Map<String, Value>) -> Vec<Fact<'a>> {
        self.names.iter().map(|path| lookup(context, path).into()).collect()
    }

    /// The node of `key` below `node`.
    #[inline]
    pub(super) fn child(&self, node: usize, key: &Key<'_>) -> usize {
        let child = self.nodes.get(node).and_then(|node| node.children.get_key(key));
        child.map_or(Self::NOWHERE, |node| node as usize)
    }

    /// The slot for the value under a key of the context that is spelled like a whole dotted path.
    #[inline]
    pub(super) fn flat(&self, key: &Key<'_>) -> Option<u32> {
        if self.flat_slots.is_empty() { None } else { self.flat.get_key(key) }
    }

    /// The slots beside that of a dotted path.
    pub(super) fn flat_slots(&self, field: u32) -> Option<FlatSlots> {
        self.flat_slots.get(field as usize).copied()
    }

    /// Records the value at `node`.
    #[inline]
    pub(super) fn note<'a>(&self, node: usize, slots: &mut [Fact<'a>], value: Fact<'a>) {
        let field = self.nodes.get(node).map_or(NONE, |node| node.field);
        if let Some(slot) = slots.get_mut(field as usize) {
            *slot = value;
        }
    }

    /// Records that the context has the member at `node`, a key of the context.
    #[inline]
    pub(super) fn note_presence(&self, node: usize, slots: &mut [Fact<'_>]) {
        let presence = self.nodes.get(node).map_or(NONE, |node| node.presence);
        if let Some(slot) = slots.get_mut(presence as usize) {
            *slot = Fact::Bool(true);
        }
    }
}
