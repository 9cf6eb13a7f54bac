//! What `GET /policy/bundles/{id}/canary-status` answers.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{GateReport, Metrics};
use crate::bundle::State;

/// What one arm did in a window.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ArmStats {
    /// Decisions served.
    pub decisions: u64,
    /// Of them allowed.
    pub allow: u64,
    /// Of them denied.
    pub deny: u64,
    /// Of them held for approval.
    pub needs_approval: u64,
    /// Of them without a matching rule.
    pub no_match: u64,
    /// Of them in error.
    pub errors: u64,
    /// Average budgeted or reported cost, USD.
    pub avg_cost: Option<f64>,
}

impl ArmStats {
    /// `part` of its decisions as a share, 0–1; none of an arm that decided nothing.
    #[expect(clippy::cast_precision_loss, reason = "counts of decisions stay far below 2^53")]
    pub fn share(&self, part: u64) -> Option<f64> {
        (self.decisions > 0).then(|| part as f64 / self.decisions as f64)
    }
}

impl Metrics {
    /// What the gates ask, from what both arms did in the same window. Rates of an arm without decisions are unknown.
    pub fn of(canary: &ArmStats, stable: &ArmStats) -> Self {
        Self {
            sample_size: Some(canary.decisions),
            error_rate: canary.share(canary.errors),
            deny_rate: canary.share(canary.deny),
            avg_cost: canary.avg_cost.filter(|_| canary.decisions > 0),
            baseline_avg_cost: stable.avg_cost.filter(|_| stable.decisions > 0),
        }
    }
}

/// How a canary is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CanaryStatus {
    /// The canary (or shadow).
    pub id: i64,
    /// Its version.
    pub version: String,
    /// Its state.
    pub state: State,
    /// Its share of traffic in percent.
    pub canary_pct: i16,
    /// When the stage began.
    pub stage_started_at: Option<Timestamp>,
    /// When it may be promoted at the earliest.
    pub promotable_at: Option<Timestamp>,
    /// Seconds until then; 0 when it has come.
    pub seconds_remaining: u64,
    /// The next stage's share of traffic; none when there is none.
    pub next_pct: Option<i16>,
    /// Whether time and gates both allow promotion.
    pub can_promote: bool,
    /// Why not, in sentences; empty when it can be promoted.
    pub blocked_by: Vec<String>,
    /// What was measured over the stage.
    pub metrics: Metrics,
    /// The four gates.
    pub gates: GateReport,
    /// What the canary did in this stage.
    pub canary: ArmStats,
    /// What stable did in the same window.
    pub stable: ArmStats,
    /// Decisions in the window that the two arms answer differently, of all that both answered.
    pub diverging: u64,
    /// Decisions that both answered.
    pub compared: u64,
    /// When this was measured.
    pub as_of: Timestamp,
}
