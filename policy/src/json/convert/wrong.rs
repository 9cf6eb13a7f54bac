//! What does not fit, and where.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::unknown::{alternatives, unknown_member};
use crate::{
    fault::Fault,
    json::pointer::{clip, escape},
};

/// The place of a value in the document.
#[derive(Clone, Copy)]
pub(super) enum Place<'p> {
    Top,
    Member(&'p Self, &'p str),
    Item(&'p Self, usize),
}

impl fmt::Display for Place<'_> {
    /// Writes the JSON Pointer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Member(parent, name) => write!(f, "{parent}/{}", escape(name)),
            Self::Item(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

/// A fault. Its place is not known where it is found, so each value that is left on the way out offers its own.
#[derive(Debug)]
pub(super) struct Wrong {
    /// JSON Pointer to the value, once it is known.
    place: Option<String>,
    /// The rest of the pointer, when the fault is about a member of the value.
    below: String,
    detail: String,
}

impl Wrong {
    pub(super) fn new(detail: impl Into<String>) -> Self {
        Self { place: None, below: String::new(), detail: detail.into() }
    }

    pub(super) fn about(member: &str, detail: impl Into<String>) -> Self {
        Self { below: format!("/{}", escape(member)), ..Self::new(detail) }
    }

    /// The fault with its place; a place that is known already stays.
    pub(super) fn at(self, place: &Place<'_>) -> Self {
        Self { place: Some(self.place.unwrap_or_else(|| place.to_string())), ..self }
    }

    pub(super) fn into_fault(self) -> Fault {
        let pointer = self.place.unwrap_or_default() + &self.below;
        let detail = if pointer.is_empty() { format!("the document {}", self.detail) } else { self.detail };
        Fault::new(pointer, detail)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn missing_field(name: &'static str) -> Self {
        Self::about(name, "is required")
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::about(name, unknown_member(known, name))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::about(name, "is given twice under different names; keep the one that is meant")
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(format!("must be {}, not `{}`", alternatives(known), clip(name)))
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(format!("must be {wanted}, not {}", in_words(found)))
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(format!("must be {wanted}, not {}", in_words(found)))
    }

    fn invalid_length(length: usize, wanted: &dyn Expected) -> Self {
        Self::new(format!("must be {wanted}, but has {length} items"))
    }
}

fn in_words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(flag) => format!("`{flag}`"),
        Unexpected::Unsigned(number) => format!("`{number}`"),
        Unexpected::Signed(number) => format!("`{number}`"),
        Unexpected::Float(number) => format!("`{number}`"),
        Unexpected::Char(character) => format!("`{character}`"),
        Unexpected::Str(_) => "this text".to_owned(),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        _ => "a value of another kind".to_owned(),
    }
}
