//! The values of one question, looked up at most once a field.

use std::cell::Cell;

use serde_json::{Map, Value};

use crate::engine::condition::lookup;

/// Beyond this many fields a table of all would cost more than it saves.
const MOST_REMEMBERED: usize = 256;

/// The context of a question, by number of the field.
pub(in crate::engine) struct Facts<'a> {
    fields: &'a [String],
    context: &'a Map<String, Value>,
    seen: Vec<Cell<Option<Option<&'a Value>>>>,
}

impl<'a> Facts<'a> {
    pub(in crate::engine) fn new(fields: &'a [String], context: &'a Map<String, Value>) -> Self {
        let remembered = if fields.len() <= MOST_REMEMBERED { fields.len() } else { 0 };
        Self { fields, context, seen: vec![Cell::new(None); remembered] }
    }

    /// The value of a field; none when absent or null.
    pub(in crate::engine) fn value(&self, field: u32) -> Option<&'a Value> {
        let at = usize::try_from(field).ok()?;
        let cell = self.seen.get(at);
        if let Some(value) = cell.and_then(Cell::get) {
            return value;
        }
        let value = lookup(self.context, self.fields.get(at)?);
        if let Some(cell) = cell {
            cell.set(Some(value));
        }
        value
    }
}
