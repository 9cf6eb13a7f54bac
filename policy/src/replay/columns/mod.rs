//! Replaying a bundle over a columnar corpus: a million decisions in a fraction of a second.
//!
//! Every field that some rule tests is cut once into elementary classes, and each *distinct* value of the corpus is
//! classified once. A row then costs a few lookups and an AND of rows of bits, as in the evaluator. Where the bits do
//! not show whether the rule that was found matches or errs, the rule's own conditions decide.
//!
//! ```text
//! view         the columns that make up a field, and the class of every code
//! plan         the rules that address each agent and action, as rows of bits
//! incremental  the rows of an earlier replay that an edit can affect
//! names        the rows whose agent or action is no name
//! results      effects, summary, hits, transitions, flips
//! run          the replay itself, row by row, in steps
//! ```

mod incremental;
mod names;
mod plan;
mod results;
mod run;
mod view;

pub use results::{Moves, Replayed, moves, region};
pub use run::{Progress, Replay};
pub(super) use view::View;

#[cfg(test)]
mod tests;
