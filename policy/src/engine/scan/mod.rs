//! Deciding straight from JSON bytes: values that the rules read are kept, all other values are checked and dropped.
//!
//! | file | content |
//! |---|---|
//! | `paths` | the paths that a bundle reads, as a tree of keys |
//! | `facts` | the values of one context at those paths |
//! | `reader` | ordinary JSON, in one pass over its bytes |
//! | `number` | numbers, to the nearest double |
//! | `visitor` | any JSON, through serde |
//!
//! Anything unusual is left to the visitor, so that trees and bytes are refused with the same error. When a key is
//! repeated, the last value counts, as in a tree.

mod facts;
mod number;
mod paths;
mod reader;
mod visitor;

pub(super) use facts::{ContextFacts, FEW};
pub(super) use paths::Paths;
pub(super) use reader::Reader;

use visitor::{Seen, parse_context};

use super::Fact;

/// Reads a context and hands its facts to `decide`.
///
/// # Errors
/// Whatever the JSON parser refuses, and any value that is not an object.
pub(super) fn with_context<T>(
    paths: &Paths,
    context: &[u8],
    decide: impl FnOnce(&ContextFacts<'_>) -> T,
) -> Result<T, serde_json::Error> {
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
) -> Result<T, serde_json::Error> {
    let seen = parse_context(paths, context)?;
    let slots: Vec<Fact<'_>> = seen.iter().map(Seen::fact).collect();
    Ok(decide(&ContextFacts::new(paths, &slots)))
}

#[cfg(test)]
mod tests;
