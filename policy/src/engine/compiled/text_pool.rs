//! Many texts in one allocation, by number.

use super::short_strings::StringMap;

/// Texts by number, stored one after another.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct TextPool {
    text: String,
    /// Where each text ends; a text begins where the previous text ends.
    ends: Vec<usize>,
}

impl TextPool {
    /// Adds a text and returns its number.
    pub(in crate::engine) fn push(&mut self, text: &str) -> u32 {
        self.text.push_str(text);
        self.ends.push(self.text.len());
        u32::try_from(self.ends.len() - 1).unwrap_or(u32::MAX)
    }

    /// The text with this number; empty when there is none.
    pub(in crate::engine) fn get(&self, number: u32) -> &str {
        let at = number as usize;
        let start = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        let span = start.zip(self.ends.get(at).copied());
        span.and_then(|(start, end)| self.text.get(start..end)).unwrap_or_default()
    }

    /// Releases unused memory.
    pub(in crate::engine) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// Distinct texts, with lookups in both directions.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Interner {
    names: StringMap,
    texts: TextPool,
}

impl Interner {
    /// The number of `text`; a new text gets the next number.
    pub(in crate::engine) fn intern(&mut self, text: &str) -> u32 {
        let known = self.names.len();
        let number = self.names.intern(text);
        if self.names.len() > known {
            self.texts.push(text);
        }
        number
    }

    /// The number of `text`.
    pub(in crate::engine) fn number(&self, text: &str) -> Option<u32> {
        self.names.get(text)
    }

    /// The text with this number.
    pub(in crate::engine) fn text(&self, number: u32) -> &str {
        self.texts.get(number)
    }

    /// The number of texts.
    pub(in crate::engine) fn len(&self) -> usize {
        self.names.len()
    }

    /// The texts by number, without the lookup by text.
    pub(in crate::engine) fn into_texts(mut self) -> TextPool {
        self.texts.shrink();
        self.texts
    }

    /// Releases unused memory.
    pub(in crate::engine) fn shrink(&mut self) {
        self.texts.shrink();
        self.names.shrink();
    }
}
