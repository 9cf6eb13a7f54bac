//! How many cases go from which outcome to which.

use serde::{Deserialize, Serialize};

use crate::{analysis::diff::Outcome, bundle::Effect};

/// How many cases went from which outcome to which. Rows are outcomes under `a`, columns are outcomes under `b`, both
/// in the order of [`Transitions::NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Transitions(pub [[usize; 4]; 4]);

impl Transitions {
    /// The names of rows and columns; an error counts as an error, whatever its effect.
    pub const NAMES: [&'static str; 4] = ["allow", "needs approval", "deny", "error"];

    /// The row or column of an outcome.
    pub const fn index(outcome: Outcome) -> usize {
        match outcome {
            Outcome { error: true, .. } => 3,
            Outcome { effect: Effect::Allow, .. } => 0,
            Outcome { effect: Effect::NeedsApproval, .. } => 1,
            Outcome { effect: Effect::Deny, .. } => 2,
        }
    }

    /// Counts one case.
    pub fn add(&mut self, before: Outcome, after: Outcome) {
        if let Some(cell) = self.0.get_mut(Self::index(before)).and_then(|row| row.get_mut(Self::index(after))) {
            *cell += 1;
        }
    }
}
