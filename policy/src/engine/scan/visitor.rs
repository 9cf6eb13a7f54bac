//! A context read by the JSON parser, for texts that [`super::reader`] gives up on.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::paths::Paths;
use crate::engine::Fact;

/// Reads a context into one value for each slot of `paths`.
///
/// # Errors
/// Whatever the JSON parser refuses, and any value that is not an object.
pub(super) fn parse_context<'de>(paths: &Paths, context: &'de [u8]) -> Result<Vec<Seen<'de>>, serde_json::Error> {
    let mut seen = vec![Seen::Missing; paths.slots()];
    let mut parser = serde_json::Deserializer::from_slice(context);
    parser.deserialize_map(Context { paths, seen: &mut seen })?;
    parser.end()?;
    Ok(seen)
}

/// The value at a path.
#[derive(Debug, Clone)]
pub(super) enum Seen<'de> {
    Missing,
    Bool(bool),
    Number(f64),
    Text(&'de str),
    /// A text that was written with escapes, unescaped.
    Unescaped(Box<str>),
    Array,
    Object,
}

impl Seen<'_> {
    pub(super) fn fact(&self) -> Fact<'_> {
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
        while let Some(key) = members.next_key_seed(Key { paths: self.paths, node: Paths::ROOT })? {
            let value = members.next_value_seed(Value { paths: self.paths, node: key.node, seen: self.seen })?;
            if let Some(slot) = key.spelled_out.and_then(|slot| self.seen.get_mut(slot as usize)) {
                *slot = value;
            }
        }
        Ok(())
    }
}

/// The targets of a key.
struct KeyTarget {
    node: usize,
    /// The slot of a key that is spelled like a whole dotted path.
    spelled_out: Option<u32>,
}

/// One key below a node.
struct Key<'p> {
    paths: &'p Paths,
    node: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = KeyTarget;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<KeyTarget, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = KeyTarget;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string key")
    }

    fn visit_str<E>(self, key: &str) -> Result<KeyTarget, E> {
        let node = self.paths.child(self.node, key);
        let spelled_out = if self.node == Paths::ROOT { self.paths.spelled_out(key) } else { None };
        Ok(KeyTarget { node, spelled_out })
    }
}

/// The value under a key, which may lead on to fields.
struct Value<'p, 's, 'de> {
    paths: &'p Paths,
    node: usize,
    seen: &'s mut [Seen<'de>],
}

impl<'de> Value<'_, '_, 'de> {
    fn note(&mut self, seen: Seen<'de>) -> Seen<'de> {
        if self.node != Paths::NOWHERE {
            self.paths.note(self.node, self.seen, seen.clone(), &Seen::Missing);
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

    fn visit_i64<E>(mut self, number: i64) -> Result<Seen<'de>, E> {
        Ok(self.note(Seen::Number(number as f64)))
    }

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
        while items.next_element_seed(Value { paths: self.paths, node: Paths::NOWHERE, seen: self.seen })?.is_some() {}
        Ok(self.note(Seen::Array))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Seen<'de>, A::Error> {
        self.note(Seen::Object);
        while let Some(key) = members.next_key_seed(Key { paths: self.paths, node: self.node })? {
            members.next_value_seed(Value { paths: self.paths, node: key.node, seen: self.seen })?;
        }
        Ok(Seen::Object)
    }
}
