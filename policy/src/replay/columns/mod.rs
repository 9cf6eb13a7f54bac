//! Replaying a bundle over a columnar corpus: a million decisions in a fraction of a second.
//!
//! Every field that some rule looks at is cut once into elementary classes; each *distinct* value of the corpus is put
//! into its class once; then a row is a few look-ups and an AND of rows of bits, as in the evaluator. What the rows
//! cannot say alone (whether the rule that was found matches or is in error) its own conditions say.
//!
//! ```text
//! view     which columns make up a field, and the class of every code
//! plan     per agent and action: the rules that are asked, as rows of bits
//! run      row after row, in steps
//! again    which rows of an earlier replay an edit can affect
//! results  summary, hits, coverage, transitions, flips, forecast
//! ```

mod incremental;
mod plan;
mod results;
mod run;
mod view;

pub use results::{Moves, Replayed, moves, region};
pub use run::{Progress, Replay};
pub(super) use view::View;

#[cfg(test)]
mod tests;
