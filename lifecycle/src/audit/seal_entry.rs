//! Sealing an entry: `entry_hash = HMAC(key, prev_hash ‖ canonical(entry))`.
//!
//! The canonical form is RFC 8785 of the entry without its seal. The hash of an entry needs the hash before it, so
//! nothing in the middle can be changed, added, reordered or removed without the key. A [`super::Checkpoint`] shows
//! that nothing is missing at the end.

use serde_json::{Map, Value};

use super::{Entry, Hash, Seal};
use crate::signing::Key;

/// The seal of `entry` when it follows an entry with hash `prev`.
pub fn seal_entry(key: &Key, prev: Hash, entry: &Entry) -> Seal {
    Seal::new(key, prev, &content(entry))
}

/// The members of an entry that its seal covers.
pub fn content(entry: &Entry) -> Map<String, Value> {
    match serde_json::to_value(Entry { seal: None, ..entry.clone() }) {
        Ok(Value::Object(members)) => members,
        // An entry is an object of strings, numbers and JSON: it cannot fail to serialize.
        _ => Map::new(),
    }
}
