//! What a bundle does for *every* input: exact verdicts over the whole input space, each with a witness.
//!
//! A rule addresses an agent and an action, and asks each field for a set of values; so, per agent and action, it is a
//! *box* over the fields, and "first match decides" is subtraction of boxes. Every question here is one question asked
//! of [`cover::Search`]: is this box inside the union of those? The answer is yes, or a point outside, or, when the
//! work budget is spent, "undecided". Nothing is guessed.
//!
//! ```text
//! slices   the (agent, action) classes that rules tell apart, and the rules that address each
//! space    the fields as axes, cut into slots that no condition tells apart
//! atlas    a bundle laid out in slices and one space, kept up to date from edit to edit
//! cover    box ⊆ union of boxes, or a point outside; `rows` cuts the axes down for it
//! table    all boxes at once, a bit a box, which settles most questions without a search
//! questions  what is asked of it
//! pieces   the boxes in which a rule answers one thing
//! memo     what was found before, so that an edit looks again only at what it can affect
//! verdict  unreachable, conflicting, redundant rules, shadowed guardrails, gaps
//! findings the verdicts in words
//! map      a picture of the answers over two fields
//! diff     the regions that two bundles answer differently, told by words
//! nearest  the smallest change of one input that flips its decision
//! invariants  what must hold of every bundle, proven or broken by a witness
//! ```

pub mod atlas;
pub mod cover;
pub mod diff;
pub mod findings;
pub mod invariants;
pub mod map;
mod memo;
pub mod nearest;
pub mod phrases;
mod pieces;
mod questions;
mod rows;
pub mod slices;
pub mod space;
mod table;
pub mod verdict;

#[cfg(test)]
mod edit_tests;
#[cfg(test)]
mod invariant_tests;
#[cfg(test)]
mod tests;

pub use diff::{SemanticDiff, semantic_diff};
pub use findings::findings;
pub use nearest::{FieldChange, NearestChange, WhyNot, nearest_change};
pub use verdict::{Analysis, Analyzer, Shadow, analyse, shadow, witness};

/// Work units an analysis may spend before it answers `undecided`; a unit is about one comparison of two boxes.
pub const WORK_BUDGET: u64 = 40_000_000;
/// Work units one question may spend.
pub const QUESTION_BUDGET: u64 = 2_000_000;

/// Counts work against the budgets.
#[derive(Debug, Clone)]
pub struct Meter {
    left: u64,
    per_question: u64,
}

impl Meter {
    /// A meter with `total` units in all and at most `per_question` for one question.
    pub fn new(total: u64, per_question: u64) -> Self {
        Self { left: total, per_question }
    }

    /// Takes `units` off the total; false when they are not there.
    pub fn spend(&mut self, units: u64) -> bool {
        let enough = self.left >= units;
        self.left = self.left.saturating_sub(units);
        enough
    }

    /// What is left.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Whether nothing is left.
    pub fn exhausted(&self) -> bool {
        self.left == 0
    }

    /// What one question may spend now.
    pub fn allowance(&self) -> u64 {
        self.left.min(self.per_question)
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new(WORK_BUDGET, QUESTION_BUDGET)
    }
}
