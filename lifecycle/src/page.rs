//! One page of a list.

use serde::{Deserialize, Serialize};

/// Some rows, and how to ask for the rows after them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Given back as `cursor`, continues after the last row; none when there are no more.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The same page with every row turned into something else.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next_cursor: self.next_cursor }
    }
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next_cursor: None }
    }
}
