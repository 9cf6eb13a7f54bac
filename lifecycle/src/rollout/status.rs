//! The response of `GET /policy/bundles/{id}/canary-status`.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{GateReport, freeze::Holding};
use crate::{
    bundle::State,
    metrics::{ArmStats, StageMetrics},
};

/// The status of a canary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CanaryStatus {
    /// The id of the canary (or shadow).
    pub id: i64,
    /// The version.
    pub version: String,
    /// The state.
    pub state: State,
    /// The share of traffic in percent.
    pub canary_pct: i16,
    /// When the stage began.
    pub stage_started_at: Option<Timestamp>,
    /// When promotion is possible at the earliest.
    pub promotable_at: Option<Timestamp>,
    /// Seconds until promotion is possible; 0 when the time has come.
    pub seconds_remaining: u64,
    /// The next stage's share of traffic in percent; `None` in the last stage.
    pub next_pct: Option<i16>,
    /// Whether time and gates both allow promotion.
    pub can_promote: bool,
    /// Why promotion is not allowed, in sentences; empty when it is allowed.
    pub blocked_by: Vec<String>,
    /// The measurements over the stage.
    pub metrics: StageMetrics,
    /// The four gates.
    pub gates: GateReport,
    /// The canary's decisions in this stage.
    pub canary: ArmStats,
    /// Stable's decisions in the same window.
    pub stable: ArmStats,
    /// Decisions in the window that the two arms answered differently.
    pub diverging: u64,
    /// Decisions in the window that both arms answered.
    pub compared: u64,
    /// The freezes that count for a promotion now, those that the reader may pass included.
    pub freezes: Vec<Holding>,
    /// When the status was measured.
    pub as_of: Timestamp,
}
