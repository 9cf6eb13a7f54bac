//! Putting bundles into service and taking them out.

use lifecycle::{
    Timestamp,
    authority::Actor,
    bundle::Record,
    rollout::{CanaryStatus, GateConfig, GateReport, Metrics, RollbackResponse},
    workspace::{History, RollbackPreview},
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Store};

/// The body of `POST …/rollback`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RollBack {
    /// Why.
    pub reason: String,
    /// On whose behalf.
    #[serde(default)]
    pub rolled_back_by: Option<String>,
    /// Whether to open an incident.
    #[serde(default = "yes")]
    pub create_incident: bool,
    /// When the trouble was noticed; now when absent.
    #[serde(default)]
    pub triggered_at: Option<Timestamp>,
}

const fn yes() -> bool {
    true
}

/// Puts an approved bundle into service at 10 %, or as a shadow at 0 %.
pub async fn apply(
    _store: &Store,
    _actor: &Actor,
    _bundle_id: i64,
    _packet_id: &str,
    _canary_pct: Option<i16>,
) -> Result<Record> {
    Err(Error::Internal("rollout::apply".into()))
}

/// Raises a bundle's share of traffic to the next stage.
pub async fn promote(_store: &Store, _actor: &Actor, _id: i64, _target_pct: i16) -> Result<Record> {
    Err(Error::Internal("rollout::promote".into()))
}

/// Takes a bundle out of service.
pub async fn roll_back(_store: &Store, _actor: &Actor, _id: i64, _request: RollBack) -> Result<RollbackResponse> {
    Err(Error::Internal("rollout::roll_back".into()))
}

/// How a canary is doing.
pub async fn canary_status(_store: &Store, _actor: &Actor, _id: i64) -> Result<CanaryStatus> {
    Err(Error::Internal("rollout::canary_status".into()))
}

/// What the gates say about given or measured metrics.
pub async fn check_gates(
    _store: &Store,
    _actor: &Actor,
    _id: i64,
    _metrics: Option<Metrics>,
    _config: Option<GateConfig>,
) -> Result<GateReport> {
    Err(Error::Internal("rollout::check_gates".into()))
}

/// The newest applies and rollbacks.
pub async fn history(_store: &Store, _actor: &Actor, _limit: u32) -> Result<History> {
    Err(Error::Internal("rollout::history".into()))
}

/// What rolling this bundle back would do.
pub async fn preview(_store: &Store, _actor: &Actor, _id: i64) -> Result<RollbackPreview> {
    Err(Error::Internal("rollout::preview".into()))
}
