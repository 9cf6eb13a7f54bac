//! A decision's row, with its outcome.

use const_format::concatcp;
use lifecycle::decision::{BundleRef, OtherArm, Record};
use policy::replay::Outcome;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::types::Json;
use time::OffsetDateTime;

use crate::{Error, Result, names};

/// The columns that a decision brings with it, in the order of [`Batch::bind`](super::batch::Batch::bind).
pub(super) const WRITTEN: &str = "decision_id, decided_at, agent, action, subject, context, effect, status, \
     matched_rule, reason, budget, cost, bundle_id, bundle_version, bundle_digest, arm, mode, errors, other_bundle_id, \
     other_version, other_digest, other_effect, other_status, other_rule, asked_by";

/// Reads decisions with their outcomes as [`Row`]s; conditions call the decision `d`.
pub(super) const SELECT: &str = concatcp!(
    "select seq, recorded_at, ",
    WRITTEN,
    ", outcome_status, outcome_cost, margin_bps, success, latency_ms, note
     from policy_decisions d left join (
         select decision_id, recorded_at, status as outcome_status, cost as outcome_cost, margin_bps, success, latency_ms,
             note
         from policy_decision_outcomes) o using (decision_id, recorded_at) "
);

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub seq: i64,
    pub recorded_at: OffsetDateTime,
    decision_id: String,
    decided_at: OffsetDateTime,
    agent: String,
    action: String,
    subject: String,
    context: Json<Value>,
    effect: String,
    status: String,
    matched_rule: Option<String>,
    reason: String,
    budget: Option<Json<Value>>,
    bundle_id: Option<i64>,
    bundle_version: Option<String>,
    bundle_digest: Option<String>,
    arm: String,
    mode: String,
    errors: Option<Json<Value>>,
    other_bundle_id: Option<i64>,
    other_version: Option<String>,
    other_digest: Option<String>,
    other_effect: Option<String>,
    other_status: Option<String>,
    other_rule: Option<String>,
    asked_by: Option<i64>,
    outcome_status: Option<String>,
    outcome_cost: Option<f64>,
    margin_bps: Option<f64>,
    success: Option<bool>,
    latency_ms: Option<f64>,
    note: Option<String>,
}

impl Row {
    pub fn read(self) -> Result<Record> {
        let other_arm = match (bundle(self.other_bundle_id, self.other_version, self.other_digest), self.other_effect) {
            (Some(bundle), Some(effect)) => Some(OtherArm {
                bundle,
                effect: names::read(&effect)?,
                status: names::read(self.other_status.as_deref().unwrap_or_default())?,
                matched_rule: self.other_rule,
            }),
            _ => None,
        };
        let outcome = match self.outcome_status {
            Some(status) => Some(Outcome {
                status: names::read(&status)?,
                cost: self.outcome_cost,
                margin_bps: self.margin_bps,
                success: self.success,
                latency_ms: self.latency_ms,
                note: self.note,
            }),
            None => None,
        };
        Ok(Record {
            decision_id: self.decision_id,
            decided_at: self.decided_at.into(),
            agent: self.agent,
            action: self.action,
            subject: self.subject,
            context: value(self.context)?,
            effect: names::read(&self.effect)?,
            status: names::read(&self.status)?,
            matched_rule: self.matched_rule,
            reason: self.reason,
            budget: self.budget.map(value).transpose()?,
            bundle: bundle(self.bundle_id, self.bundle_version, self.bundle_digest),
            arm: names::read(&self.arm)?,
            mode: names::read(&self.mode)?,
            errors: self.errors.map(value).transpose()?.unwrap_or_default(),
            other_arm,
            outcome,
            asked_by: self.asked_by,
        })
    }
}

fn bundle(id: Option<i64>, version: Option<String>, digest: Option<String>) -> Option<BundleRef> {
    Some(BundleRef { id: id?, version: version?, digest: digest? })
}

fn value<T: DeserializeOwned>(json: Json<Value>) -> Result<T> {
    serde_json::from_value(json.0).map_err(|error| Error::damaged(format!("decision: {error}")))
}
