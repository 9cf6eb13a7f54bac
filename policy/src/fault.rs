//! An error at one place of a document.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Maximum length of a pointer, in bytes. Every place that a bundle may have is shorter.
const MAX_POINTER: usize = 4_096;

/// An error at one place of a request body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// JSON Pointer (RFC 6901) to the value that is wrong.
    pub pointer: String,
    /// The fault and how to correct it, for a person.
    pub detail: String,
}

impl Fault {
    /// A fault at `pointer`. Of an overlong pointer only the beginning is kept.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let pointer = pointer.into();
        let pointer = match pointer.get(..pointer.floor_char_boundary(MAX_POINTER)) {
            Some(start) if start.len() < pointer.len() => format!("{start}…"),
            _ => pointer,
        };
        Self { pointer, detail: detail.into() }
    }
}

impl fmt::Display for Fault {
    /// Writes the pointer and the detail; a fault of the whole document has no pointer to show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pointer, detail } = self;
        if pointer.is_empty() { f.write_str(detail) } else { write!(f, "`{pointer}`: {detail}") }
    }
}
