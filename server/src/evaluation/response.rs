//! The answer to `POST /policy/evaluate`.

use lifecycle::decision::{BundleRef, Mode, Record};
use policy::{
    Timestamp,
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
    /// Where the approval stands that was asked for or was to be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<&'a ApprovalAnswer>,
}

/// Where an approval stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApprovalAnswer {
    /// The request: the one that the caller named, or the one that waits now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<lifecycle::approval::Status>,
    /// Where to ask how it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_url: Option<String>,
    /// Until when people may decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Why the approval that the caller named does not allow the call, or why people cannot be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
}

/// Why an approval does not allow a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The name of the reason.
    pub code: &'static str,
    /// The reason in a sentence.
    pub detail: String,
}

impl<'a> EvaluationResponse<'a> {
    /// The answer for a record while `serving` is in service.
    pub fn new(record: &'a Record, approval: Option<&'a ApprovalAnswer>, serving: &Serving) -> Self {
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
            approval,
        }
    }
}
