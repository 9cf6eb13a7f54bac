//! The place and the kind of the first mistake in a text that the JSON parser refused.
//!
//! The parser alone decides whether a text is JSON. This walk over its bytes runs only afterwards: it knows the JSON
//! Pointer of every place, and says in the reader's words what is wrong and what to do.

//!
//! ```text
//! doubled  members that appear again in their object
//! cursor   a place in the text that moves on
//! walk     the walk over a document
//! ```

mod cursor;
mod doubled;
mod walk;

pub use doubled::Doubled;

use super::{
    encoding::{other_than_utf8, skip_mark},
    literal::Literals,
};
use cursor::Wrong;
use walk::{Duplicates, Walk};

/// The reason why a text is not one JSON document, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct Malformed {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// The fault at that place, and what to do.
    pub message: String,
    /// JSON Pointer to the member, when the mistake is that a member appears twice in its object.
    pub duplicate: Option<String>,
}

impl Malformed {
    /// A refusal by the parser for which no mistake was found. There is no known text of this kind.
    pub(super) fn unexplained(error: &serde_json::Error) -> Self {
        let message = "this is not JSON".to_owned();
        Self { line: error.line().max(1), column: error.column().max(1), message, duplicate: None }
    }
}

/// The first mistake in `bytes`; none when they are one JSON document without repeated members.
pub(super) fn find(bytes: &[u8]) -> Option<Malformed> {
    let at_start = |message: String| Some(Malformed { line: 1, column: 1, message, duplicate: None });
    if let Some(encoding) = other_than_utf8(bytes) {
        return at_start(format!("the text is encoded in {encoding}; save it as UTF-8"));
    }
    let text = skip_mark(bytes);
    if text.iter().all(u8::is_ascii_whitespace) {
        return at_start("the document is empty; send a JSON document".to_owned());
    }
    let mut walk = Walk::new(text, Duplicates::Refused);
    let wrong = walk.document().err();
    let invalid = std::str::from_utf8(text).err().map(|error| error.valid_up_to());
    let wrong = match (wrong, invalid) {
        (Some(wrong), None) => wrong,
        (Some(wrong), Some(at)) if wrong.at < at => wrong,
        (_, Some(at)) => not_utf8(text, at),
        (None, None) => return None,
    };
    let before = text.get(..wrong.at).unwrap_or(text);
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    Some(Malformed {
        line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        column: before.len() - line_start + 1,
        message: wrong.message,
        duplicate: wrong.duplicate,
    })
}

fn not_utf8(text: &[u8], at: usize) -> Wrong {
    let byte = text.get(at).copied().unwrap_or_default();
    let message = format!("the byte 0x{byte:02X} is not UTF-8; save the text as UTF-8");
    Wrong { at, message, duplicate: None }
}

/// The members in `bytes`, a JSON document, that appear again in their object.
pub(super) fn repeated_members(bytes: &[u8]) -> Doubled {
    let mut walk = Walk::new(skip_mark(bytes), Duplicates::Noted(Doubled::default()));
    // A document that was parsed has no mistakes.
    let _ = walk.document();
    match walk.repeated {
        Duplicates::Noted(repeated) => repeated,
        Duplicates::Refused => Doubled::default(),
    }
}

/// The numbers in `bytes`, a JSON document, that are not the doubles they become.
pub(super) fn literals(bytes: &[u8]) -> Literals {
    let mut walk = Walk::new(skip_mark(bytes), Duplicates::Refused);
    walk.literals = Some(Literals::default());
    // A document that was parsed has no mistakes.
    let _ = walk.document();
    walk.literals.unwrap_or_default()
}
