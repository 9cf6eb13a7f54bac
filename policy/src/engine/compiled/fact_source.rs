//! The values of a question by field number, each looked up at most once.

use std::cell::Cell;

use serde_json::{Map, Value};

use crate::engine::{Fact, condition::lookup};

/// With more fields than this, a cache of all values would cost more than it saves.
const MAX_CACHED: usize = 256;

/// The values of a question, by the numbers of the index's fields.
pub(crate) trait FactSource {
    /// The value of a field.
    fn fact(&self, field: u32) -> Fact<'_>;

    /// The number of the string at a field, which `find` looks up. Implementations may cache the number.
    #[inline]
    fn text(&self, field: u32, find: impl FnOnce() -> Option<u32>) -> Option<u32> {
        let _ = field;
        find()
    }
}

/// The number of fields that are cached without an allocation.
pub(in crate::engine) const FEW: usize = 16;

/// A cache of the numbers of strings, by field.
#[derive(Debug)]
pub(in crate::engine) struct TextNumberCache([Cell<u32>; FEW]);

impl Default for TextNumberCache {
    fn default() -> Self {
        Self([const { Cell::new(Self::UNKNOWN) }; FEW])
    }
}

impl TextNumberCache {
    const UNKNOWN: u32 = u32::MAX;
    /// The string is in no list.
    const NONE: u32 = u32::MAX - 1;

    /// The number of the string at a field.
    #[inline]
    pub(in crate::engine) fn number(&self, field: u32, find: impl FnOnce() -> Option<u32>) -> Option<u32> {
        let Some(cell) = self.0.get(field as usize) else { return find() };
        if cell.get() == Self::UNKNOWN {
            cell.set(find().unwrap_or(Self::NONE));
        }
        Some(cell.get()).filter(|number| *number != Self::NONE)
    }
}

/// The facts of a context that is a JSON tree.
pub(in crate::engine) struct ContextFacts<'a> {
    fields: &'a [String],
    context: &'a Map<String, Value>,
    few: [Cell<Option<Fact<'a>>>; FEW],
    /// All fields, when there are more than [`FEW`].
    many: Vec<Cell<Option<Fact<'a>>>>,
    text_numbers: TextNumberCache,
}

impl<'a> ContextFacts<'a> {
    pub(in crate::engine) fn new(fields: &'a [String], context: &'a Map<String, Value>) -> Self {
        let many = if (FEW + 1..=MAX_CACHED).contains(&fields.len()) { fields.len() } else { 0 };
        Self {
            fields,
            context,
            few: [const { Cell::new(None) }; FEW],
            many: vec![Cell::new(None); many],
            text_numbers: TextNumberCache::default(),
        }
    }
}

impl FactSource for ContextFacts<'_> {
    fn fact(&self, field: u32) -> Fact<'_> {
        let Ok(at) = usize::try_from(field) else { return Fact::Missing };
        let cell = if self.many.is_empty() { self.few.get(at) } else { self.many.get(at) };
        if let Some(fact) = cell.and_then(Cell::get) {
            return fact;
        }
        let fact = Fact::from(self.fields.get(at).and_then(|field| lookup(self.context, field)));
        if let Some(cell) = cell {
            cell.set(Some(fact));
        }
        fact
    }

    #[inline]
    fn text(&self, field: u32, find: impl FnOnce() -> Option<u32>) -> Option<u32> {
        self.text_numbers.number(field, find)
    }
}
