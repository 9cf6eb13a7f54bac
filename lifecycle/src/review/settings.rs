//! Settings of reviews.

use std::time::Duration;

use policy::replay;
use serde::{Deserialize, Serialize};

use super::GuardrailLimits;

/// Settings of reviews. Every member has a default, so that stored settings may lack members.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReviewSettings {
    /// Hours for which an approval is valid.
    pub approval_hours: u32,
    /// Risk score, in basis points, from which two people must approve.
    pub high_risk_bps: u32,
    /// Share of the replayed decisions, in basis points; when more than this change, two people must approve.
    pub many_changes_bps: u32,
    /// Approvals needed for ordinary packets.
    pub approvals: u8,
    /// Approvals needed for any [`super::QuorumReason`]; one must be a safety owner's.
    pub approvals_high_risk: u8,
    /// Minimum number of recorded decisions to draw conclusions from.
    pub min_evidence: usize,
    /// Days that the recorded decisions of a packet go back. The number of them is a setting of its own.
    pub evidence_days: u32,
    /// Spending limits of the replay.
    pub limits: replay::Limits,
    /// Limits on the projected KPIs of a packet.
    pub guardrails: GuardrailLimits,
}

impl Default for ReviewSettings {
    fn default() -> Self {
        Self {
            approval_hours: 72,
            high_risk_bps: 5000,
            many_changes_bps: 2000,
            approvals: 1,
            approvals_high_risk: 2,
            min_evidence: 100,
            evidence_days: 30,
            limits: replay::Limits::default(),
            guardrails: GuardrailLimits::default(),
        }
    }
}

impl ReviewSettings {
    /// How long an approval is valid.
    pub fn approval_lifetime(&self) -> Duration {
        Duration::from_secs(u64::from(self.approval_hours) * 3600)
    }
}
