//! Members that a type does not have, with the nearest that it has.

use crate::{fault::Fault, json::pointer::escape, spelling};

/// Maximum number of known members that are listed when none of them is near.
const MAX_LISTED: usize = 12;

/// Maximum number of unknown members that are listed.
pub const MAX_UNKNOWN: usize = 100;

/// `` `a`, `b` or `c` ``.
pub(super) fn alternatives(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "left out".to_owned(),
    }
}

/// The faults of the members `unknown` of the object at `at`, whose members are `known`; at most [`MAX_UNKNOWN`].
pub fn unknown_members<'m>(unknown: impl IntoIterator<Item = &'m String>, at: &str, known: &[&str]) -> Vec<Fault> {
    let fault = |name: &String| Fault::new(format!("{at}/{}", escape(name)), unknown_member(known, name));
    unknown.into_iter().take(MAX_UNKNOWN).map(fault).collect()
}

/// The sentence about a member that is unknown where `known` are the members.
pub fn unknown_member(known: &[&str], name: &str) -> String {
    match spelling::nearest(name, known.iter().copied()) {
        Some(nearest) => format!("is unknown here; did you mean `{nearest}`?"),
        None if known.is_empty() => "is unknown here; leave it out, no member is known".to_owned(),
        None if known.len() > MAX_LISTED => "is unknown here; leave it out".to_owned(),
        None => format!("is unknown here; leave it out, or write {}", alternatives(known)),
    }
}
