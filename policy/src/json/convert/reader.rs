//! The values of a document, each with its place, as a type asks for them.

use std::{cell::RefCell, fmt};

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor, value::StrDeserializer,
};
use serde_json::{Map, Value, map, value::Number};

use super::{
    unknown::{MAX_UNKNOWN, alternatives, unknown_member},
    wrong::{Place, Wrong},
};
use crate::{fault::Fault, json::pointer::type_name};

/// Integers of a greater magnitude are not all doubles, so a number written like `1e300` is not taken as whole.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// One value, with its place.
pub(super) struct Reader<'p> {
    pub(super) value: Value,
    pub(super) place: Place<'p>,
    pub(super) unknown: &'p RefCell<Vec<Fault>>,
}

impl Reader<'_> {
    fn must_be(&self, wanted: impl fmt::Display) -> Wrong {
        Wrong::new(format!("must be {wanted}, not {}", type_name(&self.value))).at(&self.place)
    }

    fn whole_number(&self, wanted: &str) -> Result<i128, Wrong> {
        let Value::Number(number) = &self.value else { return Err(self.must_be(wanted)) };
        let whole = number.as_u64().map(i128::from).or_else(|| number.as_i64().map(i128::from)).or_else(|| {
            let double = number.as_f64().filter(|double| double.fract() == 0.0 && double.abs() <= MAX_WHOLE)?;
            // Whole and at most 2^53, so the cast is exact.
            Some(double as i128)
        });
        whole.ok_or_else(|| self.out_of_range(wanted, number))
    }

    fn out_of_range(&self, wanted: &str, number: &Number) -> Wrong {
        Wrong::new(format!("must be {wanted}, not `{number}`")).at(&self.place)
    }

    fn note_unknown(&self, members: &Map<String, Value>, known: &[&str]) {
        let mut unknown = self.unknown.borrow_mut();
        let room = MAX_UNKNOWN.saturating_sub(unknown.len());
        let odd = members.keys().filter(|name| !known.contains(&name.as_str())).take(room);
        unknown.extend(
            odd.map(|name| Fault::new(Place::Member(&self.place, name).to_string(), unknown_member(known, name))),
        );
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $type:ty, $wanted:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            let wanted = $wanted;
            let number = self.whole_number(wanted)?;
            match <$type>::try_from(number) {
                Ok(number) => visitor.$visit(number).map_err(|wrong: Wrong| wrong.at(&self.place)),
                Err(_) => Err(Wrong::new(format!("must be {wanted}, not `{number}`")).at(&self.place)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let place = self.place;
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(_) => return self.deserialize_seq(visitor),
            Value::Object(_) => return self.deserialize_map(visitor),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, Some(number)) => visitor.visit_f64(number),
                (None, None, None) => Err(Wrong::new("is beyond the range of numbers")),
            },
        }
        .map_err(|wrong: Wrong| wrong.at(&place))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value {
            Value::Bool(flag) => visitor.visit_bool(flag).map_err(|wrong: Wrong| wrong.at(&self.place)),
            _ => Err(self.must_be("true or false")),
        }
    }

    whole_numbers! {
        deserialize_i8 visit_i8 i8, "a whole number from -128 to 127";
        deserialize_i16 visit_i16 i16, "a whole number from -32768 to 32767";
        deserialize_i32 visit_i32 i32, "a whole number from -2147483648 to 2147483647";
        deserialize_i64 visit_i64 i64, "a whole number";
        deserialize_u8 visit_u8 u8, "a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16, "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 u32, "a whole number from 0 to 4294967295";
        deserialize_u64 visit_u64 u64, "a whole number, 0 or more";
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value.as_f64() {
            Some(number) => visitor.visit_f64(number).map_err(|wrong: Wrong| wrong.at(&self.place)),
            None => Err(self.must_be("a number")),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_string(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value {
            Value::String(text) => visitor.visit_string(text).map_err(|wrong: Wrong| wrong.at(&self.place)),
            _ => Err(self.must_be("a string")),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_any(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.value.is_null() { visitor.visit_unit() } else { Err(self.must_be("null")) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &str, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let (place, unknown) = (self.place, self.unknown);
        match self.value {
            Value::Array(items) => visitor
                .visit_seq(Items { items: items.into_iter(), index: 0, place: &place, unknown })
                .map_err(|wrong: Wrong| wrong.at(&place)),
            _ => Err(self.must_be("a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let (place, unknown) = (self.place, self.unknown);
        match self.value {
            Value::Object(members) => visitor
                .visit_map(Members { members: members.into_iter(), next: None, place: &place, unknown })
                .map_err(|wrong: Wrong| wrong.at(&place)),
            _ => Err(self.must_be("an object")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if let Value::Object(members) = &self.value {
            self.note_unknown(members, known);
        }
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let (place, unknown) = (self.place, self.unknown);
        let variant = match self.value {
            Value::String(name) => Variant { name, content: None, place, unknown },
            Value::Object(members) if members.len() == 1 => {
                let mut members = members.into_iter();
                let (name, content) = members.next().unwrap_or_default();
                Variant { name, content: Some(content), place, unknown }
            }
            other => {
                return Err(
                    Wrong::new(format!("must be {}, not {}", alternatives(known), type_name(&other))).at(&place)
                );
            }
        };
        visitor.visit_enum(variant).map_err(|wrong: Wrong| wrong.at(&place))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_string(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }
}

struct Items<'p> {
    items: std::vec::IntoIter<Value>,
    index: usize,
    place: &'p Place<'p>,
    unknown: &'p RefCell<Vec<Fault>>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let Some(value) = self.items.next() else { return Ok(None) };
        let place = Place::Item(self.place, self.index);
        self.index += 1;
        let read = seed.deserialize(Reader { value, place, unknown: self.unknown });
        read.map(Some).map_err(|wrong| wrong.at(&place))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Members<'p> {
    members: map::IntoIter,
    next: Option<(String, Value)>,
    place: &'p Place<'p>,
    unknown: &'p RefCell<Vec<Fault>>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        self.next = self.members.next();
        let Some((name, _)) = &self.next else { return Ok(None) };
        let read = seed.deserialize(StrDeserializer::new(name));
        read.map(Some).map_err(|wrong: Wrong| wrong.at(&Place::Member(self.place, name)))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Wrong> {
        let (name, value) = self.next.take().unwrap_or_default();
        let place = Place::Member(self.place, &name);
        seed.deserialize(Reader { value, place, unknown: self.unknown }).map_err(|wrong| wrong.at(&place))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.members.len())
    }
}

/// A variant of an enum: its name alone, or an object with the content under the name.
struct Variant<'p> {
    name: String,
    content: Option<Value>,
    place: Place<'p>,
    unknown: &'p RefCell<Vec<Fault>>,
}

impl<'de, 'p> EnumAccess<'de> for Variant<'p> {
    type Error = Wrong;
    type Variant = Content<'p>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'p>), Wrong> {
        let variant = seed.deserialize(self.name.as_str().into_deserializer())?;
        let Self { name, content, place, unknown } = self;
        Ok((variant, Content { name, content, place, unknown }))
    }
}

/// What stands under the name of a variant.
struct Content<'p> {
    name: String,
    content: Option<Value>,
    place: Place<'p>,
    unknown: &'p RefCell<Vec<Fault>>,
}

impl Content<'_> {
    fn read<T>(self, read: impl FnOnce(Reader<'_>) -> Result<T, Wrong>) -> Result<T, Wrong> {
        let value = self.content.ok_or_else(|| Wrong::custom("must be an object with this name as its member"))?;
        let place = Place::Member(&self.place, &self.name);
        read(Reader { value, place, unknown: self.unknown }).map_err(|wrong| wrong.at(&place))
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        match self.content {
            None => Ok(()),
            Some(_) => Err(Wrong::custom("must be a string, not an object")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        self.read(|reader| seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.read(|reader| reader.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, known: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong> {
        self.read(|reader| reader.deserialize_struct("", known, visitor))
    }
}
