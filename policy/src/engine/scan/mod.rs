//! Deciding straight from JSON bytes: values that the rules read are kept, all other values are checked and dropped.
//!
//! | file | content |
//! |---|---|
//! | `paths` | the paths that a bundle reads, as a tree of keys |
//! | `facts` | the values of one context at those paths |
//! | `reader` | ordinary JSON, in one pass over its bytes |
//! | `number` | numbers, to the nearest double |
//! | `open_keys` | the keys read so far, to notice repeated ones |
//!
//! Anything unusual is left to the reader of all other documents ([`crate::json`]), so that trees and bytes are refused
//! with the same error.

mod facts;
mod number;
mod open_keys;
mod paths;
mod reader;

pub(super) use facts::{ContextFacts, FEW};
pub(super) use paths::Paths;
pub(super) use reader::Reader;

use super::Fact;
use crate::json::{self, Malformed};

/// Reads a context and hands its facts to `decide`.
///
/// # Errors
/// Whatever [`json::parse_object`] refuses.
pub(super) fn with_context<T>(
    paths: &Paths,
    context: &[u8],
    decide: impl FnOnce(&ContextFacts<'_>) -> T,
) -> Result<T, Malformed> {
    let (mut few, mut many) = ([Fact::Missing; FEW], Vec::new());
    let slots = paths.slots_in(&mut few, &mut many);
    if let Ok(text) = std::str::from_utf8(context)
        && reader::read_context(paths, text, slots).is_some()
    {
        return Ok(decide(&ContextFacts::new(paths, slots)));
    }
    with_parsed_context(paths, context, decide)
}

/// [`with_context`], using the JSON parser alone.
///
/// # Errors
/// See [`with_context`].
pub(super) fn with_parsed_context<T>(
    paths: &Paths,
    context: &[u8],
    decide: impl FnOnce(&ContextFacts<'_>) -> T,
) -> Result<T, Malformed> {
    let context = json::parse_object(context)?;
    let slots = paths.facts_of(&context);
    Ok(decide(&ContextFacts::new(paths, &slots)))
}

#[cfg(test)]
mod tests;
