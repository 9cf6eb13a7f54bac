//! The values of one question, looked up at most once a field.

use std::cell::Cell;

use serde_json::{Map, Value};

use crate::engine::{Fact, condition::lookup};

/// Beyond this many fields a table of all would cost more than it saves.
const MOST_REMEMBERED: usize = 256;

/// What a question says about the fields of an index, by their number.
pub(crate) trait FactSource {
    /// The value of a field.
    fn fact(&self, field: u32) -> Fact<'_>;

    /// The number of the string at a field, which `find` finds; whoever is asked often remembers it.
    #[inline]
    fn text(&self, field: u32, find: impl FnOnce() -> Option<u32>) -> Option<u32> {
        let _ = field;
        find()
    }
}

/// Fields that are remembered without an allocation.
pub(in crate::engine) const FEW: usize = 16;

/// Numbers of strings, as they become known.
#[derive(Debug)]
pub(in crate::engine) struct TextNumberCache([Cell<u32>; FEW]);

impl Default for TextNumberCache {
    fn default() -> Self {
        Self([const { Cell::new(Self::UNKNOWN) }; FEW])
    }
}

impl TextNumberCache {
    const UNKNOWN: u32 = u32::MAX;
    /// The string is not listed.
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

/// The context of a question as a tree.
pub(in crate::engine) struct ContextFacts<'a> {
    fields: &'a [String],
    context: &'a Map<String, Value>,
    few: [Cell<Option<Fact<'a>>>; FEW],
    /// All of them where there are more.
    many: Vec<Cell<Option<Fact<'a>>>>,
    text_numbers: TextNumberCache,
}

impl<'a> ContextFacts<'a> {
    pub(in crate::engine) fn new(fields: &'a [String], context: &'a Map<String, Value>) -> Self {
        let many = if (FEW + 1..=MOST_REMEMBERED).contains(&fields.len()) { fields.len() } else { 0 };
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
