//! The settings of the workspace.

use policy::replay::Limits;
use serde::{Deserialize, Serialize};

use crate::{metrics::GateConfig, review::ReviewSettings, rollout::WatchConfig};

/// Everything an administrator may set. A missing member has its default.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Quality gates of a rollout.
    pub gates: GateConfig,
    /// Automatic rollback.
    pub watch: WatchConfig,
    /// Reviews.
    pub review: ReviewSettings,
    /// Spending limits of simulations.
    pub simulation: Limits,
    /// Number of recorded decisions that a packet replays, the newest of the last days; see `review.evidence_days`.
    pub corpus: CorpusLimit,
}

/// A number of recorded decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CorpusLimit(pub u32);

impl Default for CorpusLimit {
    fn default() -> Self {
        Self(5000)
    }
}
