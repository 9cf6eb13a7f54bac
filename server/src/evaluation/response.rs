//! The answer to `POST /policy/evaluate`.

use lifecycle::decision::{BundleRef, Mode, Record};
use policy::{
    bundle::{Budget, Effect},
    engine::{Arm, EvaluationError, Status},
};
use serde::Serialize;

use super::serving::Serving;

/// The body of an answer.
#[derive(Debug, Serialize)]
pub struct EvaluationResponse<'a> {
    decision_id: &'a str,
    effect: Effect,
    status: Status,
    matched_rule: Option<&'a str>,
    reason: &'a str,
    budget: Option<Budget>,
    bundle: Option<&'a BundleRef>,
    arm: Arm,
    mode: Mode,
    errors: &'a [EvaluationError],
    /// Whether evaluation was on when the decision was made.
    enabled: bool,
    /// Whether a safety pause was in force.
    paused: bool,
}

impl<'a> EvaluationResponse<'a> {
    /// The answer for a record while `serving` is in service.
    pub fn new(record: &'a Record, serving: &Serving) -> Self {
        Self {
            decision_id: &record.decision_id,
            effect: record.effect,
            status: record.status,
            matched_rule: record.matched_rule.as_deref(),
            reason: &record.reason,
            budget: record.budget,
            bundle: record.bundle.as_ref(),
            arm: record.arm,
            mode: record.mode,
            errors: &record.errors,
            // A repeated request gets its first decision, and evaluation may have been switched on or off since.
            enabled: record.mode != Mode::Bypass,
            paused: serving.paused,
        }
    }
}
