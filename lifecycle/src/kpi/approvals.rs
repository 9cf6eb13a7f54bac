//! What people had to decide at run time, beside what the packet of the bundle in service forecast.

use serde::{Deserialize, Serialize};

/// How many decided requests, none of them denied, make a rule worth a second look.
const MANY_DECIDED: i64 = 20;

/// Approvals of the last 30 days.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ApprovalKpi {
    /// Calls a day that the packet of the stable bundle expected to be held for approval; `None` when it replayed less than an
    /// hour of decisions.
    pub forecast_per_day: Option<f64>,
    /// Requests a day that people got, since the first of them.
    pub asked_per_day: f64,
    /// Each rule that held a call, the busiest first.
    pub rules: Vec<RuleApprovals>,
}

/// What became of the requests that one rule caused.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RuleApprovals {
    /// The rule.
    pub rule: String,
    /// Requests.
    pub asked: i64,
    /// Those that were approved.
    pub approved: i64,
    /// Those that a person denied.
    pub denied: i64,
    /// Those that nobody answered in time.
    pub expired: i64,
    /// Those that the agent took back.
    pub cancelled: i64,
    /// How often approvals were used.
    pub used: i64,
    /// Seconds within which half of the answers came.
    pub median_seconds: Option<f64>,
    /// Seconds within which 95 % of the answers came.
    pub p95_seconds: Option<f64>,
}

impl RuleApprovals {
    /// Whether people always say yes: then the rule might as well allow the call.
    pub fn is_never_denied(&self) -> bool {
        self.denied == 0 && self.approved >= MANY_DECIDED
    }
}
