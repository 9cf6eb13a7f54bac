//! The one decoder of a request: the bytes of a body of `POST /policy/evaluate`, read in one pass.
//!
//! The decoder takes ordinary bodies and makes no tree of them. It gives up (none) on whatever is out of the ordinary: an
//! escape outside of the context, a member that is unknown or comes twice, an empty text, a size near a limit, the character
//! NUL, any mistake. The caller then parses a tree, which finds the mistake and its place, or decides as the decoder would have.

use super::{
    Fact,
    scan::{self, ContextFacts, Paths, Reader, Slots},
};
use crate::limits::{MAX_CONTEXT_BYTES, MAX_CONTEXT_FIELDS, MAX_DECISION_ID_BYTES, MAX_STRING_BYTES};

/// How many times longer a context may get when it is written as compact JSON, which is what the limit of its size is about:
/// `1e15` becomes `1000000000000000.0`.
const LONGEST_REWRITE: usize = 8;

/// An ordinary request. Its texts are pieces of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// Who wants to act.
    pub agent: &'a str,
    /// What the agent wants to do.
    pub action: &'a str,
    /// What the traffic split is keyed by.
    pub subject: Option<&'a str>,
    /// The caller's id for the decision.
    pub decision_id: Option<&'a str>,
    /// The facts: the text of a JSON object, within the limits of a context.
    pub context: &'a str,
}

/// Decodes `body` and hands the request and its facts to `decide`; none when `body` is out of the ordinary.
pub(super) fn with_request<'a, T>(
    paths: &Paths,
    body: &'a [u8],
    decide: impl FnOnce(&Request<'a>, &ContextFacts<'_>) -> T,
) -> Option<T> {
    let mut slots = Slots::new(paths);
    let mut reader = Reader::new(paths, std::str::from_utf8(body).ok()?);
    let request = read(&mut reader, slots.as_mut_slice())?;
    if reader.hidden {
        let context = request.context.as_bytes();
        return scan::with_parsed_context(paths, context, |facts| decide(&request, facts)).ok();
    }
    Some(decide(&request, &ContextFacts::new(paths, slots.as_mut_slice())))
}

fn read<'a>(reader: &mut Reader<'_, 'a>, slots: &mut [Fact<'a>]) -> Option<Request<'a>> {
    let (mut agent, mut action, mut subject, mut decision_id, mut context) = (None, None, None, None, None);
    reader.take(b'{')?;
    loop {
        let key = reader.plain_string()?;
        reader.take(b':')?;
        let (member, most) = match key {
            "context" => (&mut context, MAX_CONTEXT_BYTES / LONGEST_REWRITE),
            "agent" => (&mut agent, MAX_STRING_BYTES),
            "action" => (&mut action, MAX_STRING_BYTES),
            "subject" => (&mut subject, MAX_STRING_BYTES),
            "decision_id" => (&mut decision_id, MAX_DECISION_ID_BYTES),
            _ => return None,
        };
        if member.is_some() {
            return None;
        }
        let text = if key == "context" { reader.context(slots)? } else { reader.plain_string()? };
        if text.is_empty() || text.len() > most {
            return None;
        }
        *member = Some(text);
        if !reader.goes_on(b'}')? {
            break;
        }
    }
    reader.end()?;
    if reader.members > MAX_CONTEXT_FIELDS {
        return None;
    }
    Some(Request { agent: agent?, action: action?, subject, decision_id, context: context.unwrap_or("{}") })
}

#[cfg(test)]
mod tests;
