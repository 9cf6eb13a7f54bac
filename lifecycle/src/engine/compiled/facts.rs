//! The values of one question, looked up at most once a field.

use std::cell::Cell;

use serde_json::{Map, Value};

use crate::engine::{Fact, condition::lookup};

/// Beyond this many fields a table of all would cost more than it saves.
const MOST_REMEMBERED: usize = 256;

/// What a question says about the fields of an index, by their number.
pub(crate) trait Facts {
    /// The value of a field.
    fn fact(&self, field: u32) -> Fact<'_>;
}

/// The context of a question as a tree.
pub(in crate::engine) struct Tree<'a> {
    fields: &'a [String],
    context: &'a Map<String, Value>,
    seen: Vec<Cell<Option<Fact<'a>>>>,
}

impl<'a> Tree<'a> {
    pub(in crate::engine) fn new(fields: &'a [String], context: &'a Map<String, Value>) -> Self {
        let remembered = if fields.len() <= MOST_REMEMBERED { fields.len() } else { 0 };
        Self { fields, context, seen: vec![Cell::new(None); remembered] }
    }
}

impl Facts for Tree<'_> {
    fn fact(&self, field: u32) -> Fact<'_> {
        let Ok(at) = usize::try_from(field) else { return Fact::Missing };
        let cell = self.seen.get(at);
        if let Some(fact) = cell.and_then(Cell::get) {
            return fact;
        }
        let fact = Fact::from(self.fields.get(at).and_then(|field| lookup(self.context, field)));
        if let Some(cell) = cell {
            cell.set(Some(fact));
        }
        fact
    }
}
