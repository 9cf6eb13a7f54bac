//! The decision log and the outcomes reported to it.

use lifecycle::{
    Page, Timestamp,
    authority::Actor,
    bundle::Effect,
    decision::{Outcome, Record},
    engine::Status,
    workspace::ErrorMetrics,
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Store};

/// Which decisions to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Served by this bundle.
    pub bundle_id: Option<i64>,
    /// With this status.
    pub status: Option<Status>,
    /// With this effect.
    pub effect: Option<Effect>,
    /// Of this agent.
    pub agent: Option<String>,
    /// About this action.
    pub action: Option<String>,
    /// From this time, inclusive.
    pub since: Option<Timestamp>,
    /// Until this time, exclusive.
    pub until: Option<Timestamp>,
    /// Most rows to answer.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// One line of a batch of outcomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutcomeReport {
    /// The decision it belongs to.
    pub decision_id: String,
    /// What happened.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of a batch of outcomes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutcomesReported {
    /// Newly recorded.
    pub recorded: u64,
    /// Already had one; the first stays.
    pub repeated: u64,
    /// No such decision.
    pub unknown: Vec<String>,
}

/// Adds decisions in one statement. One that is already there stays as it is.
pub async fn append(_store: &Store, _records: &[Record]) -> Result<()> {
    Err(Error::Internal("decisions::append".into()))
}

/// Decisions, newest first.
pub async fn list(_store: &Store, _actor: &Actor, _filter: &Filter) -> Result<Page<Record>> {
    Err(Error::Internal("decisions::list".into()))
}

/// One decision.
pub async fn get(_store: &Store, _actor: &Actor, _decision_id: &str) -> Result<Record> {
    Err(Error::Internal("decisions::get".into()))
}

/// Records what happened after a decision; the first report stays. Answers the decision.
pub async fn report_outcome(_store: &Store, _actor: &Actor, _decision_id: &str, _outcome: Outcome) -> Result<Record> {
    Err(Error::Internal("decisions::report_outcome".into()))
}

/// Records many outcomes at once.
pub async fn report_outcomes(_store: &Store, _actor: &Actor, _reports: &[OutcomeReport]) -> Result<OutcomesReported> {
    Err(Error::Internal("decisions::report_outcomes".into()))
}

/// Errors over the last while; `window` is a number and `s`, `m`, `h` or `d`, e.g. `5m`.
pub async fn error_metrics(_store: &Store, _window: &str) -> Result<ErrorMetrics> {
    Err(Error::Internal("decisions::error_metrics".into()))
}
