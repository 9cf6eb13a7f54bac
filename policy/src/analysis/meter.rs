//! The work budget of an analysis.

/// Work units an analysis may spend before it answers `undecided`; a unit is about one comparison of two cuboids.
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

    /// Takes `units` off the total; false when fewer units are left.
    pub fn spend(&mut self, units: u64) -> bool {
        let enough = self.left >= units;
        self.left = self.left.saturating_sub(units);
        enough
    }

    /// The units that are left.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Whether no unit is left.
    pub fn exhausted(&self) -> bool {
        self.left == 0
    }

    /// The units one question may spend now.
    pub fn allowance(&self) -> u64 {
        self.left.min(self.per_question)
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new(WORK_BUDGET, QUESTION_BUDGET)
    }
}
