//! A decision as recorded.

use policy::{
    Timestamp,
    bundle::{Budget, Effect},
    engine::{Arm, EvaluationError, Status},
    replay::{Case, CorpusCase, Outcome},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How the service was working when it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// As it should.
    Normal,
    /// Evaluation is disabled; the bypass effect answered.
    Bypass,
    /// The database is away; answered from memory, logged to disk.
    Degraded,
}

impl Mode {
    /// The name used in JSON, SQL and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Bypass => "bypass",
            Self::Degraded => "degraded",
        }
    }
}

/// Names the bundle that answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleRef {
    /// Its number.
    pub id: i64,
    /// Its version.
    pub version: String,
    /// Its content address.
    pub digest: String,
}

/// What the other bundle said to the same input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherArm {
    /// The bundle that did not serve.
    pub bundle: BundleRef,
    /// Its effect.
    pub effect: Effect,
    /// How it came about.
    pub status: Status,
    /// Its deciding rule.
    pub matched_rule: Option<String>,
}

/// One recorded decision. Its JSON form is the contract of `GET /policy/decisions/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Given by the caller, or a version-7 UUID.
    pub decision_id: String,
    /// When it was answered.
    pub decided_at: Timestamp,
    /// Who wanted to act.
    pub agent: String,
    /// What it wanted to do.
    pub action: String,
    /// What the traffic split was keyed by.
    pub subject: String,
    /// The facts.
    pub context: Map<String, Value>,
    /// The effect that was served.
    pub effect: Effect,
    /// How it came about.
    pub status: Status,
    /// The deciding rule.
    pub matched_rule: Option<String>,
    /// Why.
    pub reason: String,
    /// The matched rule's budget.
    pub budget: Option<Budget>,
    /// The bundle that served.
    pub bundle: Option<BundleRef>,
    /// Which arm that was.
    pub arm: Arm,
    /// How the service was working.
    pub mode: Mode,
    /// What went wrong.
    pub errors: Vec<EvaluationError>,
    /// What the other arm said, when there was one.
    pub other_arm: Option<OtherArm>,
    /// What happened afterwards, once reported.
    pub outcome: Option<Outcome>,
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
