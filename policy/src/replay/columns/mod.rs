//! Replaying a bundle over a columnar corpus: a million decisions in a fraction of a second.
//!
//! Every field that some rule tests is cut once into elementary classes, and each *distinct* value of the corpus is
//! classified once. Then a row costs a few look-ups and an AND of rows of bits, as in the evaluator. Whether the rule
//! that was found matches or errs, its own conditions decide where the rows cannot.
//!
//! ```text
//! view         which columns make up a field, and the class of every code
//! plan         per agent and action: the rules that address it, as rows of bits
//! incremental  which rows of an earlier replay an edit can affect
//! results      effects, summary, hits, transitions, flips
//! run          the replay itself, row by row, in steps
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
