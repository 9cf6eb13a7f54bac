//! Deciding straight from JSON bytes: what the rules look at is kept, and nothing else.
//!
//! [`direct`] reads ordinary JSON at once. Whatever surprises it is left to the parser that reads contexts into trees, so
//! that both refuse the same texts with the same words; of a key that comes twice the last value counts here as there.

mod direct;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{
    Fact,
    compiled::{
        fact_source::{FactSource, TextNumberCache},
        short_strings::StringMap,
    },
};

/// Places that need no allocation.
const FEW: usize = 32;
/// No field, no place.
const NONE: u32 = u32::MAX;

/// The dotted paths that somebody looks at, by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Paths {
    count: usize,
    // INVARIANT: the first node is the context itself.
    nodes: Vec<Node>,
    /// Keys of the context that are spelled like a whole path with a dot, by the place of their value.
    spelled_out: StringMap,
    /// By field: the place of a value whose key is spelled like the whole path. Empty when no path has a dot.
    places: Vec<u32>,
}

/// A key on the way to a value.
#[derive(Debug, Clone)]
struct Node {
    field: u32,
    below: StringMap,
    /// Every field at or below this key.
    fields: Vec<u32>,
}

impl Node {
    const fn is_leaf(&self) -> bool {
        self.field != NONE && self.fields.len() == 1
    }
}

impl Paths {
    /// The paths, numbered in their order.
    pub(super) fn new<'p>(paths: impl Iterator<Item = &'p str>) -> Self {
        let fresh = || Node { field: NONE, below: StringMap::default(), fields: Vec::new() };
        let mut all = Self { nodes: vec![fresh()], ..Self::default() };
        let mut dotted = Vec::new();
        for (number, path) in (0_u32..).zip(paths) {
            let mut here = 0;
            for key in path.split('.') {
                let next = all.nodes.len();
                let Some(node) = all.nodes.get_mut(here) else { continue };
                here = node.below.number(key, u32::try_from(next).unwrap_or(NONE)) as usize;
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
            all.places = vec![NONE; all.count];
        }
        for (at, (number, path)) in dotted.into_iter().enumerate() {
            let place = u32::try_from(all.count + at).unwrap_or(NONE);
            all.spelled_out.number(path, place);
            if let Some(slot) = all.places.get_mut(number as usize) {
                *slot = place;
            }
        }
        all
    }

    /// Reads a context and hands what it says to `ask`.
    ///
    /// # Errors
    /// What the JSON parser refuses, and whatever is no object.
    pub(super) fn context<T>(&self, context: &[u8], ask: impl FnOnce(&Read<'_>) -> T) -> Result<T, serde_json::Error> {
        let (mut few, mut many) = ([Fact::Missing; FEW], Vec::new());
        let facts = self.room(&mut few, &mut many);
        if let Ok(text) = std::str::from_utf8(context)
            && direct::context(self, text, facts).is_some()
        {
            return Ok(ask(&Read { paths: self, facts, known: TextNumberCache::default() }));
        }
        let mut seen = vec![Seen::Missing; self.rooms()];
        let mut parser = serde_json::Deserializer::from_slice(context);
        parser.deserialize_map(Context { paths: self, seen: &mut seen })?;
        parser.end()?;
        let facts: Vec<Fact<'_>> = seen.iter().map(Seen::fact).collect();
        Ok(ask(&Read { paths: self, facts: &facts, known: TextNumberCache::default() }))
    }

    /// Reads a whole request and hands agent, action and what the context says to `ask`; none when there is anything
    /// unusual about it, or wrong.
    pub(super) fn request<T>(&self, request: &[u8], ask: impl FnOnce(&str, &str, &Read<'_>) -> T) -> Option<T> {
        let (mut few, mut many) = ([Fact::Missing; FEW], Vec::new());
        let facts = self.room(&mut few, &mut many);
        let (agent, action) = direct::request(self, std::str::from_utf8(request).ok()?, facts)?;
        Some(ask(agent, action, &Read { paths: self, facts, known: TextNumberCache::default() }))
    }

    fn rooms(&self) -> usize {
        self.count + self.spelled_out.len()
    }

    fn room<'f, 'a>(&self, few: &'f mut [Fact<'a>; FEW], many: &'f mut Vec<Fact<'a>>) -> &'f mut [Fact<'a>] {
        let rooms = self.rooms();
        match few.get_mut(..rooms) {
            Some(few) => few,
            None => {
                many.resize(rooms, Fact::Missing);
                many
            }
        }
    }

    /// Where the value under a key of the context goes whose key is spelled like a whole path.
    fn spelled_out(&self, key: &str) -> Option<u32> {
        if self.places.is_empty() { None } else { self.spelled_out.get(key) }
    }

    /// Writes down what stands at a node, and forgets what an earlier value under the same key had below it.
    fn note<T: Clone>(&self, node: usize, all: &mut [T], value: T, missing: &T) {
        let Some(node) = self.nodes.get(node) else { return };
        if !node.is_leaf() {
            for field in &node.fields {
                if let Some(slot) = all.get_mut(*field as usize) {
                    slot.clone_from(missing);
                }
            }
        }
        if let Some(slot) = all.get_mut(node.field as usize) {
            *slot = value;
        }
    }
}

/// What a context says at the paths.
#[derive(Debug)]
pub(super) struct Read<'a> {
    paths: &'a Paths,
    facts: &'a [Fact<'a>],
    known: TextNumberCache,
}

impl FactSource for Read<'_> {
    fn fact(&self, field: u32) -> Fact<'_> {
        let at = |place: u32| self.facts.get(place as usize).copied().unwrap_or(Fact::Missing);
        match at(field) {
            Fact::Missing => self.paths.places.get(field as usize).map_or(Fact::Missing, |place| at(*place)),
            fact => fact,
        }
    }

    #[inline]
    fn text(&self, field: u32, find: impl FnOnce() -> Option<u32>) -> Option<u32> {
        self.known.number(field, find)
    }
}

/// What stands at a path.
#[derive(Debug, Clone)]
enum Seen<'de> {
    Missing,
    Bool(bool),
    Number(f64),
    Text(&'de str),
    /// A text with escapes in it.
    Unescaped(Box<str>),
    Array,
    Object,
}

impl Seen<'_> {
    fn fact(&self) -> Fact<'_> {
        match self {
            Self::Missing => Fact::Missing,
            Self::Bool(flag) => Fact::Bool(*flag),
            Self::Number(number) => Fact::Number(*number),
            Self::Text(text) => Fact::Text(text),
            Self::Unescaped(text) => Fact::Text(text),
            Self::Array => Fact::Array,
            Self::Object => Fact::Object,
        }
    }
}

/// The members of the context.
struct Context<'p, 's, 'de> {
    paths: &'p Paths,
    seen: &'s mut [Seen<'de>],
}

impl<'de> Visitor<'de> for Context<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key_seed(Key { paths: self.paths, node: 0 })? {
            let value = members.next_value_seed(Value { paths: self.paths, node: key.node, seen: self.seen })?;
            if let Some(slot) = key.spelled_out.and_then(|place| self.seen.get_mut(place as usize)) {
                *slot = value;
            }
        }
        Ok(())
    }
}

/// Where a key leads.
struct Way {
    node: Option<usize>,
    spelled_out: Option<u32>,
}

/// One key below a node.
struct Key<'p> {
    paths: &'p Paths,
    node: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Way;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Way, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Way;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Way, E> {
        let node = self.paths.nodes.get(self.node).and_then(|node| node.below.get(key)).map(|node| node as usize);
        let spelled_out = if self.node == 0 { self.paths.spelled_out(key) } else { None };
        Ok(Way { node, spelled_out })
    }
}

/// The value under a key, which may lead on to fields.
struct Value<'p, 's, 'de> {
    paths: &'p Paths,
    node: Option<usize>,
    seen: &'s mut [Seen<'de>],
}

impl<'de> Value<'_, '_, 'de> {
    fn note(&mut self, seen: Seen<'de>) -> Seen<'de> {
        if let Some(node) = self.node {
            self.paths.note(node, self.seen, seen.clone(), &Seen::Missing);
        }
        seen
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_, 'de> {
    type Value = Seen<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Seen<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_, 'de> {
    type Value = Seen<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E>(mut self) -> Result<Seen<'de>, E> {
        Ok(self.note(Seen::Missing))
    }

    fn visit_bool<E>(mut self, flag: bool) -> Result<Seen<'de>, E> {
        Ok(self.note(Seen::Bool(flag)))
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers are doubles, and this is the nearest one")]
    fn visit_i64<E>(mut self, number: i64) -> Result<Seen<'de>, E> {
        Ok(self.note(Seen::Number(number as f64)))
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers are doubles, and this is the nearest one")]
    fn visit_u64<E>(mut self, number: u64) -> Result<Seen<'de>, E> {
        Ok(self.note(Seen::Number(number as f64)))
    }

    fn visit_f64<E>(mut self, number: f64) -> Result<Seen<'de>, E> {
        Ok(self.note(Seen::Number(number)))
    }

    fn visit_borrowed_str<E>(mut self, text: &'de str) -> Result<Seen<'de>, E> {
        Ok(self.note(Seen::Text(text)))
    }

    fn visit_str<E>(mut self, text: &str) -> Result<Seen<'de>, E> {
        Ok(self.note(Seen::Unescaped(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Seen<'de>, A::Error> {
        while items.next_element_seed(Value { paths: self.paths, node: None, seen: self.seen })?.is_some() {}
        Ok(self.note(Seen::Array))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Seen<'de>, A::Error> {
        self.note(Seen::Object);
        // Below a key that leads nowhere every key leads nowhere.
        let node = self.node.unwrap_or(usize::MAX);
        while let Some(key) = members.next_key_seed(Key { paths: self.paths, node })? {
            members.next_value_seed(Value { paths: self.paths, node: key.node, seen: self.seen })?;
        }
        Ok(Seen::Object)
    }
}

#[cfg(test)]
mod tests;
