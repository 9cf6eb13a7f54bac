//! The workspace as a whole: its settings, and what its first page shows.

use policy::{Timestamp, replay::Limits};
use serde::{Deserialize, Serialize};

use crate::{
    audit,
    review::ReviewSettings,
    rollout::{ApplyRecord, GateConfig, RollbackRecord, WatchConfig, drill::LastDrill},
    signing::Checked,
    system::{ReleaseRecord, System},
};

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
    /// Most recorded decisions a packet replays when its builder does not say.
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

/// What waits for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Badges {
    /// Packets they may act on and have not.
    pub reviews: u32,
    /// Open incidents nobody has acknowledged, when they may handle incidents.
    pub incidents: u32,
}

/// Something that waits for the reader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Need {
    /// What to do, in a line.
    pub title: String,
    /// More about it.
    pub detail: String,
    /// The path of the page to do it on.
    pub href: String,
    /// Since when it waits.
    pub since: Timestamp,
}

/// Counts of one slice of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Minute {
    /// Its first moment.
    pub at: Timestamp,
    /// Decisions answered in it.
    pub decisions: u64,
    /// Of them in error.
    pub errors: u64,
}

/// How decisions of a window were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EffectMix {
    /// Allowed.
    pub allow: u64,
    /// Held for approval.
    pub needs_approval: u64,
    /// Denied.
    pub deny: u64,
    /// Of all: without a matching rule.
    pub no_match: u64,
    /// Of all: in error.
    pub errors: u64,
}

/// The first page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// What is live.
    pub system: System,
    /// What waits for the reader, oldest first.
    pub needs_you: Vec<Need>,
    /// The counts of the navigation.
    pub badges: Badges,
    /// The last audit entries, newest first.
    pub recent: Vec<audit::Entry>,
    /// The last hour, minute by minute, oldest first; minutes without decisions are there too.
    pub minutes: Vec<Minute>,
    /// Answers of the last hour.
    pub mix: EffectMix,
    /// The newest rollback drill.
    pub last_drill: Option<LastDrill>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Errors of one bundle in a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BundleErrors {
    /// The bundle; none for decisions made without one.
    pub bundle_id: Option<i64>,
    /// Its version.
    pub version: Option<String>,
    /// Decisions it served.
    pub total: u64,
    /// Of them in error.
    pub errors: u64,
    /// `errors / total`, 0–1.
    pub error_rate: f64,
}

/// What `GET /metrics/errors` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorMetrics {
    /// The window as asked for, e.g. `5m`.
    pub window: String,
    /// Decisions in it.
    pub total: u64,
    /// Of them in error: evaluation errors and outcomes reported as failed.
    pub errors: u64,
    /// `errors / total`, 0–1; 0 without decisions.
    pub error_rate: f64,
    /// Bundle by bundle, busiest first.
    pub by_bundle: Vec<BundleErrors>,
}

/// What was put into service and taken out, and which pauses ended, newest first; each checked as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Applies and promotions.
    pub applies: Vec<Checked<ApplyRecord>>,
    /// Rollbacks.
    pub rollbacks: Vec<Checked<RollbackRecord>>,
    /// Releases of a safety pause.
    pub releases: Vec<Checked<ReleaseRecord>>,
}

/// What a rollback would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackPreview {
    /// The bundle that would serve everything; none when no earlier version can take over.
    pub restored_version: Option<String>,
    /// Decisions the bundle in question served in the last hour.
    pub decisions_last_hour: u64,
    /// Of them, how many would be answered differently.
    pub flips: u64,
}
