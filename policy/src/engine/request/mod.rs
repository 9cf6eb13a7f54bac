//! The one decoder of a request: the bytes of a body of `POST /policy/evaluate`, read in one pass.
//!
//! The decoder takes ordinary bodies and builds no tree. It gives up, by returning `None`, on anything out of the
//! ordinary: an escape outside the context, an unknown or repeated member, also in the context, an empty text, a size near a limit, the NUL
//! character, any mistake. The caller then parses a tree, which either finds the mistake and its place or leads to the
//! decision that the decoder would have made.

use super::{
    Fact,
    scan::{self, ContextFacts, FEW, Paths, Reader},
};
use crate::limits::{MAX_CONTEXT_BYTES, MAX_CONTEXT_FIELDS, MAX_DECISION_ID_BYTES, MAX_STRING_BYTES};

/// How many times longer a context may become when it is rewritten as compact JSON, to which the size limit applies:
/// `1e15` becomes `1000000000000000.0`.
const LONGEST_REWRITE: usize = 8;

/// An ordinary request. Its texts are slices of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The agent that wants to act.
    pub agent: &'a str,
    /// The action that the agent wants to take.
    pub action: &'a str,
    /// The key of the traffic split.
    pub subject: Option<&'a str>,
    /// The caller's id for the decision.
    pub decision_id: Option<&'a str>,
    /// The facts: the text of a JSON object, within the limits of a context.
    pub context: &'a str,
}

/// Decodes `body` and hands the request and its facts to `decide`; none when `body` is out of the ordinary.
pub(super) fn with_decoded_request<'a, T>(
    paths: &Paths,
    body: &'a [u8],
    decide: impl FnOnce(&Request<'a>, &ContextFacts<'_>) -> T,
) -> Option<T> {
    let (mut few, mut many) = ([Fact::Missing; FEW], Vec::new());
    let slots = paths.slots_in(&mut few, &mut many);
    let mut reader = Reader::new(paths, std::str::from_utf8(body).ok()?);
    let request = decode(&mut reader, slots)?;
    if reader.unresolved_escape {
        let context = request.context.as_bytes();
        return scan::with_parsed_context(paths, context, |facts| decide(&request, facts)).ok();
    }
    Some(decide(&request, &ContextFacts::new(paths, slots)))
}

#[inline]
fn decode<'a>(reader: &mut Reader<'_, 'a>, slots: &mut [Fact<'a>]) -> Option<Request<'a>> {
    let (mut agent, mut action, mut subject, mut decision_id, mut context) = (None, None, None, None, None);
    reader.take(b'{')?;
    loop {
        let key = reader.plain_string()?;
        reader.take(b':')?;
        let (member, text) = match key {
            "agent" => (&mut agent, read_name(reader, MAX_STRING_BYTES)?),
            "action" => (&mut action, read_name(reader, MAX_STRING_BYTES)?),
            "context" => (&mut context, reader.context(slots)?),
            "subject" => (&mut subject, read_name(reader, MAX_STRING_BYTES)?),
            "decision_id" => (&mut decision_id, read_name(reader, MAX_DECISION_ID_BYTES)?),
            _ => return None,
        };
        if member.replace(text).is_some() {
            return None;
        }
        if !reader.goes_on(b'}')? {
            break;
        }
    }
    reader.end()?;
    let context = context.unwrap_or("{}");
    let small = reader.members <= MAX_CONTEXT_FIELDS && context.len() <= MAX_CONTEXT_BYTES / LONGEST_REWRITE;
    small.then_some(Request { agent: agent?, action: action?, subject, decision_id, context })
}

/// A text that is not empty and has at most `most` bytes.
fn read_name<'a>(reader: &mut Reader<'_, 'a>, most: usize) -> Option<&'a str> {
    let text = reader.plain_string()?;
    (1..=most).contains(&text.len()).then_some(text)
}

#[cfg(test)]
mod tests;
