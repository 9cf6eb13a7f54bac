//! A recorded decision.

use policy::{
    Timestamp,
    bundle::{Budget, Effect},
    engine::{Arm, EvaluationError, Status},
    replay::{Case, CorpusCase, Outcome},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The service's mode of operation when it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Mode {
    /// Normal operation.
    Normal,
    /// Evaluation is disabled: the bypass effect is the answer.
    Bypass,
    /// The database is unreachable: the service answers from memory and logs to disk.
    Degraded,
    /// People approved the call that a rule holds.
    Approved,
}

impl Mode {
    /// The name used in JSON, SQL and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The bundle that answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleRef {
    /// The bundle's id.
    pub id: i64,
    /// The bundle's version.
    pub version: String,
    /// The bundle's content address.
    pub digest: String,
}

/// How the bundle of the other arm answered the same input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherArm {
    /// The bundle whose answer was not served.
    pub bundle: BundleRef,
    /// The effect that was not served.
    pub effect: Effect,
    /// Whether a rule matched, none did, or evaluation failed.
    pub status: Status,
    /// The deciding rule.
    pub matched_rule: Option<String>,
}

/// One recorded decision. Its JSON form is the contract of `GET /policy/decisions/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The caller's id, or a version-7 UUID.
    pub decision_id: String,
    /// When the decision was answered.
    pub decided_at: Timestamp,
    /// The agent that wants to act.
    pub agent: String,
    /// The action the agent wants to take.
    pub action: String,
    /// The key of the traffic split.
    pub subject: String,
    /// The facts the rules were matched against.
    pub context: Map<String, Value>,
    /// The effect that was served.
    pub effect: Effect,
    /// Whether a rule matched, none did, or evaluation failed.
    pub status: Status,
    /// The deciding rule.
    pub matched_rule: Option<String>,
    /// The reason given to the caller.
    pub reason: String,
    /// The matched rule's budget.
    pub budget: Option<Budget>,
    /// The bundle that served.
    pub bundle: Option<BundleRef>,
    /// The arm that served.
    pub arm: Arm,
    /// The service's mode of operation.
    pub mode: Mode,
    /// Errors of the evaluation.
    pub errors: Vec<EvaluationError>,
    /// The other arm's answer, when there was one.
    pub other_arm: Option<OtherArm>,
    /// The outcome of the decision, once reported.
    pub outcome: Option<Outcome>,
    /// The number of the token that asked; `None` in decisions from before askers were recorded. Only this token, or a
    /// named reporter, reports the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<i64>,
}

impl From<&Record> for CorpusCase {
    fn from(record: &Record) -> Self {
        Self {
            case: Case {
                case_id: record.decision_id.clone(),
                agent: record.agent.clone(),
                action: record.action.clone(),
                context: record.context.clone(),
                expected_effect: None,
            },
            decided_at: Some(record.decided_at),
            effect: Some(record.effect),
            outcome: record.outcome.clone(),
            subject: Some(record.subject.clone()),
        }
    }
}
