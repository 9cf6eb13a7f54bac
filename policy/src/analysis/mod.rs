//! The behaviour of a bundle for *every* input: exact verdicts over the whole input space, each with a witness.
//!
//! A rule addresses an agent and an action, and tests each field for a set of values. So, per agent and action, a rule
//! is a *cuboid* over the fields, and "first match decides" is subtraction of cuboids. Every question here comes down
//! to the one question of [`cover`]: does a union of cuboids cover this cell? The answer is yes, or a point that is not
//! covered, or, when the work budget is spent, "undecided". Nothing is guessed.
//!
//! ```text
//! meter           the work budget
//! outcome         the part of an answer that verdicts and diffs compare
//! slices          the (agent, action) classes that rules distinguish, and the rules that address each
//! space           the fields as axes, cut into slots within which no condition distinguishes values
//! phrases         parts of a space in plain words
//! geometry        a bundle laid out in slices and one space, kept up to date from edit to edit
//! axis_reduction  the axes of a question cut down to the few slots that matter
//! cover           cell ⊆ union of cuboids, or a point that is not covered
//! bitmap_index    all cuboids at once, one bit each, which settles most questions without a search
//! outcome_pieces  the outcomes of one rule where it decides
//! prover          the questions of the analysis, slice by slice
//! proof_cache     earlier proofs, so that after an edit only the proofs it can affect are repeated
//! verdict         unreachable, conflicting, redundant rules, shadowed guardrails, gaps
//! findings        the verdicts as findings of the linter
//! invariants      what must hold of every bundle, proven or broken by a witness
//! diff            the regions that two bundles answer differently
//! map             a picture of the answers over two fields
//! nearest         the smallest change of one input that flips its decision
//! ```

mod axis_reduction;
mod bitmap_index;
pub mod cover;
pub mod diff;
pub mod findings;
pub mod geometry;
pub mod invariants;
pub mod map;
mod meter;
pub mod nearest;
mod outcome;
mod outcome_pieces;
pub mod phrases;
mod proof_cache;
mod prover;
pub mod slices;
pub mod space;
pub mod verdict;

#[cfg(test)]
mod edit_tests;
#[cfg(test)]
mod invariant_tests;
#[cfg(test)]
mod tests;

pub use diff::{SemanticDiff, semantic_diff};
pub use findings::findings;
pub use meter::{Meter, QUESTION_BUDGET, WORK_BUDGET};
pub use nearest::{FieldChange, NearestChange, WhyNot, nearest_change};
pub use verdict::{Analysis, Analyzer, Shadow, analyse, shadow, witness};
