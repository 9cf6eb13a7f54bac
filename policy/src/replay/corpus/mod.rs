//! Recorded decisions as columns: the form in which a million decisions are stored, sent and replayed.
//!
//! A context is split into its leaves: the values that are not objects, each under the path of keys that leads to it.
//! Every path has one column with its distinct values, sorted, and one small code per row. A decision takes about
//! sixteen bytes, a bundle classifies each *distinct* value once, and the browser reads exactly the bytes that the
//! server sends ([`encode`](Columnar::encode), [`decode`](Columnar::decode)).
//!
//! ```text
//! cases    a decision as a packet stores it
//! column   distinct values and codes
//! build    one column from rows
//! rows     cases into columns and back
//! format   the file format
//! encode   columns into the file format
//! decode   columns from the file format
//! ```

mod build;
mod cases;
pub mod column;
mod decode;
mod encode;
mod format;
mod rows;

pub use cases::{Corpus, CorpusCase};
pub use column::Column;
pub use format::CorpusError;
pub use rows::{Builder, Times};

use strum::VariantArray;

use super::Dataset;

/// Maximum number of rows in a corpus.
pub const MAX_ROWS: usize = 1_000_000;
/// Maximum number of distinct fields in a corpus.
pub const MAX_COLUMNS: usize = 4_096;
/// Maximum size of an encoded corpus: 256 MiB.
pub const MAX_BYTES: usize = 256 * 1024 * 1024;
/// Maximum number of keys on the path to a value, as in the JSON reader.
pub const MAX_DEPTH: usize = 127;

/// The meaning of a column that is not a field of the context. The file format numbers the roles in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub enum Role {
    /// The agent. Every row has one.
    Agent,
    /// The action. Every row has one.
    Action,
    /// The case's or decision's id.
    CaseId,
    /// The effect an author expects.
    Expected,
    /// When the decision was answered: microseconds since 1970, or RFC 3339 where a double cannot hold the microseconds
    /// exactly.
    DecidedAt,
    /// The effect that was answered.
    Effect,
    /// Whether the action worked: `ok` or `error`.
    Outcome,
    /// The actual cost, in USD.
    Cost,
    /// The margin, in basis points.
    Margin,
    /// Whether the business goal was reached.
    Success,
    /// The latency, in milliseconds.
    Latency,
    /// Free text.
    Note,
}

/// The name of a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// Data about the decision.
    About(Role),
    /// A value of the context, by the keys on the path to it; never empty.
    Field(Vec<String>),
}

/// Cases as columns. Immutable once built.
#[derive(Debug, Clone, PartialEq)]
pub struct Columnar {
    pub(super) source: Dataset,
    pub(super) rows: usize,
    // INVARIANT: ascending by name; agent and action are the first two columns and have a text in every row; no row has
    // values both at a path and below it.
    pub(super) columns: Vec<(Name, Column)>,
}

impl Columnar {
    /// The source of the cases.
    pub fn source(&self) -> Dataset {
        self.source
    }

    /// The number of cases.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no cases.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The columns, in the order of their names.
    pub fn columns(&self) -> impl Iterator<Item = (&Name, &Column)> {
        self.columns.iter().map(|(name, column)| (name, column))
    }

    /// The column with this role, if there is one.
    pub fn about(&self, role: Role) -> Option<&Column> {
        self.find(&Name::About(role))
    }

    fn find(&self, name: &Name) -> Option<&Column> {
        self.column(self.position(name).ok()?)
    }

    /// The column at an index.
    pub(super) fn column(&self, at: usize) -> Option<&Column> {
        self.columns.get(at).map(|(_, column)| column)
    }

    /// The name of the column at an index.
    pub(super) fn name(&self, at: usize) -> Option<&Name> {
        self.columns.get(at).map(|(name, _)| name)
    }

    /// The index of a column, or the index at which the column would be inserted.
    pub(super) fn position(&self, name: &Name) -> Result<usize, usize> {
        self.columns.binary_search_by(|(other, _)| other.cmp(name))
    }
}

#[cfg(test)]
mod tests;
