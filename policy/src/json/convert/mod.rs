//! A document as a type.
//!
//! The deserializers of other libraries describe a mistake in the words of the program ("expected f64"), and either drop
//! unknown members or stop at the first. This one knows the JSON Pointer of every value, speaks to the person who wrote
//! the document, and lists every member that the type does not have together with the nearest that it has.

//!
//! ```text
//! unknown  members that a type does not have
//! wrong    a fault, and its place
//! reader   the values, one inside the other
//! ```

mod reader;
mod unknown;
mod wrong;

pub use unknown::{MAX_UNKNOWN, unknown_member, unknown_members};

use std::cell::RefCell;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fault::Fault;
use reader::Reader;
use wrong::{Place, Wrong};

/// The result of a conversion.
#[derive(Debug)]
pub struct Conversion<T> {
    /// The value, or the first fault.
    pub result: Result<T, Fault>,
    /// The first members that the type does not have, as far as the document was read; at most [`MAX_UNKNOWN`].
    pub unknown: Vec<Fault>,
}

/// Converts a document to a `T`.
pub fn convert<T: DeserializeOwned>(document: Value) -> Conversion<T> {
    let unknown = RefCell::new(Vec::new());
    let reader = Reader { value: document, place: Place::Top, unknown: &unknown };
    let result = T::deserialize(reader).map_err(Wrong::into_fault);
    Conversion { result, unknown: unknown.into_inner() }
}
