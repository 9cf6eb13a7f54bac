//! Deciding straight from JSON bytes: the parser hands over what the rules look at, and nothing else is kept.
//!
//! It is the parser that reads contexts into trees, so whatever one refuses the other refuses, with the same words; of a
//! key that comes twice the last value counts here as there.

use std::{collections::HashMap, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Fact, compiled::facts::Facts};

/// The dotted paths that somebody looks at, by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Paths {
    count: usize,
    // INVARIANT: the first node is the context itself.
    nodes: Vec<Node>,
    /// Keys of the context that are spelled like a whole path.
    spelled_out: HashMap<String, u32>,
}

/// A key on the way to a value.
#[derive(Debug, Clone, Default)]
struct Node {
    field: Option<u32>,
    below: HashMap<String, usize>,
    /// Every field at or below this key.
    fields: Vec<u32>,
}

impl Paths {
    /// The paths, numbered in their order.
    pub(super) fn new<'p>(paths: impl Iterator<Item = &'p str>) -> Self {
        let mut all = Self { nodes: vec![Node::default()], ..Self::default() };
        for (number, path) in (0_u32..).zip(paths) {
            let mut here = 0;
            for key in path.split('.') {
                let fresh = all.nodes.len();
                let Some(node) = all.nodes.get_mut(here) else { continue };
                here = *node.below.entry(key.to_owned()).or_insert(fresh);
                if here == fresh {
                    all.nodes.push(Node::default());
                }
                if let Some(node) = all.nodes.get_mut(here) {
                    node.fields.push(number);
                }
            }
            if let Some(node) = all.nodes.get_mut(here) {
                node.field = Some(number);
            }
            if path.contains('.') {
                all.spelled_out.insert(path.to_owned(), number);
            }
            all.count += 1;
        }
        all
    }

    /// Reads a context.
    ///
    /// # Errors
    /// What the JSON parser refuses, and whatever is no object.
    pub(super) fn read<'de>(&self, context: &'de [u8]) -> Result<Scanned<'de>, serde_json::Error> {
        let mut scanned =
            Scanned { nested: vec![Seen::Missing; self.count], spelled_out: vec![Seen::Missing; self.count] };
        let mut parser = serde_json::Deserializer::from_slice(context);
        parser.deserialize_map(Context { paths: self, scanned: &mut scanned })?;
        parser.end()?;
        Ok(scanned)
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

/// The values at the paths.
#[derive(Debug)]
pub(super) struct Scanned<'de> {
    nested: Vec<Seen<'de>>,
    spelled_out: Vec<Seen<'de>>,
}

impl Facts for Scanned<'_> {
    fn fact(&self, field: u32) -> Fact<'_> {
        let at = |seen: &'_ [Seen<'_>]| usize::try_from(field).ok().filter(|at| *at < seen.len());
        let nested = at(&self.nested).and_then(|at| self.nested.get(at)).map_or(Fact::Missing, Seen::fact);
        if nested != Fact::Missing {
            return nested;
        }
        at(&self.spelled_out).and_then(|at| self.spelled_out.get(at)).map_or(Fact::Missing, Seen::fact)
    }
}

/// The members of the context.
struct Context<'p, 's, 'de> {
    paths: &'p Paths,
    scanned: &'s mut Scanned<'de>,
}

impl<'de> Visitor<'de> for Context<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key_seed(Key { paths: self.paths, node: 0 })? {
            let seen = members.next_value_seed(Value { paths: self.paths, node: key.node, scanned: self.scanned })?;
            if let Some(slot) = key.spelled_out.and_then(|field| self.scanned.spelled_out.get_mut(field as usize)) {
                *slot = seen;
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
        let node = self.paths.nodes.get(self.node).and_then(|node| node.below.get(key)).copied();
        let spelled_out = if self.node == 0 { self.paths.spelled_out.get(key).copied() } else { None };
        Ok(Way { node, spelled_out })
    }
}

/// The value under a key, which may lead on to fields.
struct Value<'p, 's, 'de> {
    paths: &'p Paths,
    node: Option<usize>,
    scanned: &'s mut Scanned<'de>,
}

impl<'de> Value<'_, '_, 'de> {
    /// Notes what stands here, and forgets what an earlier value under the same key had below it.
    fn note(&mut self, seen: Seen<'de>) -> Seen<'de> {
        let Some(node) = self.node.and_then(|node| self.paths.nodes.get(node)) else { return seen };
        for field in &node.fields {
            if let Some(slot) = self.scanned.nested.get_mut(*field as usize) {
                *slot = Seen::Missing;
            }
        }
        if let Some(slot) = node.field.and_then(|field| self.scanned.nested.get_mut(field as usize)) {
            *slot = seen.clone();
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
        while items.next_element_seed(Value { paths: self.paths, node: None, scanned: self.scanned })?.is_some() {}
        Ok(self.note(Seen::Array))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Seen<'de>, A::Error> {
        self.note(Seen::Object);
        // Below a key that leads nowhere every key leads nowhere.
        let node = self.node.unwrap_or(usize::MAX);
        while let Some(key) = members.next_key_seed(Key { paths: self.paths, node })? {
            members.next_value_seed(Value { paths: self.paths, node: key.node, scanned: self.scanned })?;
        }
        Ok(Seen::Object)
    }
}

#[cfg(test)]
mod tests;
