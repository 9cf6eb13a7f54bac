//! The part of an answer that verdicts and diffs compare.

use serde::{Deserialize, Serialize};

use crate::{
    bundle::Effect,
    engine::{Status, Verdict},
};

/// An effect, and whether an evaluation error led to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Outcome {
    /// The effect of the answer.
    pub effect: Effect,
    /// Whether the effect is the result of an evaluation error.
    pub error: bool,
}

impl Outcome {
    /// The outcome of `verdict`.
    pub fn of(verdict: &Verdict<'_>) -> Self {
        Self { effect: verdict.effect, error: verdict.status == Status::Error }
    }

    /// The outcome when a rule or the default decides `effect`.
    pub(super) const fn decided(effect: Effect) -> Self {
        Self { effect, error: false }
    }

    /// The outcome of an evaluation error, which `on_error` answers.
    pub(super) const fn error(on_error: Effect) -> Self {
        Self { effect: on_error, error: true }
    }
}
