//! The one reader of JSON: for request bodies, files, standard input and the editor.
//!
//! Most JSON readers silently keep the last of two members with the same name. In a rule, that would lose a condition.
//! And a signature over canonical JSON is defined for unique names only (RFC 8785 builds on I-JSON, RFC 7493). So
//! documents with two members of the same name are refused. Every refusal says where the mistake is and what to do.
//!
//! | file | content |
//! |---|---|
//! | `pointer` | JSON Pointers, and how deeply a value is nested |
//! | `encoding` | the first bytes: byte order marks, and encodings that are not UTF-8 |
//! | `mistake` | the place and the kind of a mistake in a text |
//! | `document` | a document without repeated members |
//! | `literal` | numbers that are written otherwise than the doubles they become |
//! | `convert` | a document as a type, with every unknown member |

mod convert;
mod document;
mod encoding;
mod literal;
mod mistake;
mod pointer;

pub use convert::{Conversion, MAX_UNKNOWN, convert, unknown_member, unknown_members};
pub use literal::Literals;
pub use mistake::{Doubled, Malformed};
pub use pointer::{clip, escape, nesting, type_name};

use document::Document;
use serde_json::{Map, Value};

/// Parses `bytes` as one JSON document. One byte order mark in front is skipped.
///
/// # Errors
/// [`Malformed`], with the place: the text is not JSON, is not UTF-8, is nested too deeply, contains a number that no
/// double can hold, or repeats a name within an object.
pub fn parse(bytes: &[u8]) -> Result<Value, Malformed> {
    let text = encoding::skip_mark(bytes);
    match serde_json::from_slice::<Document>(text) {
        Ok(document) => Ok(document.0),
        Err(error) => Err(mistake::find(bytes).unwrap_or_else(|| Malformed::unexplained(&error))),
    }
}

/// Parses `bytes` like [`parse`], but lets a repeated member pass: the last one counts, and the repeated members
/// are named. For commands of an emergency, which a slip of the keyboard must not refuse.
///
/// # Errors
/// [`Malformed`] as for [`parse`], except for repeated names.
pub fn parse_leniently(bytes: &[u8]) -> Result<(Value, Doubled), Malformed> {
    let text = encoding::skip_mark(bytes);
    match serde_json::from_slice(text) {
        Ok(value) => Ok((value, mistake::repeated_members(bytes))),
        Err(error) => Err(mistake::find(bytes).unwrap_or_else(|| Malformed::unexplained(&error))),
    }
}

impl Literals {
    /// The literals of `bytes`, a JSON document.
    pub fn of(bytes: &[u8]) -> Self {
        if literal::has_long_number(bytes) { mistake::literals(bytes) } else { Self::default() }
    }
}

/// Parses `bytes` as one JSON object.
///
/// # Errors
/// [`Malformed`] as for [`parse`], and for a document of another kind.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, Malformed> {
    match parse(bytes)? {
        Value::Object(members) => Ok(members),
        other => {
            let message = format!("the document must be an object, not {}", type_name(&other));
            Err(Malformed { line: 1, column: 1, message, duplicate: None })
        }
    }
}

#[cfg(test)]
mod tests;
