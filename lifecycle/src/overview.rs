//! The first page: what is live, what waits for the reader, and what happened in the last hour.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{audit, rollout::LastDrill, system::System};

/// The first page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// What is live.
    pub system: System,
    /// What waits for the reader, oldest first.
    pub tasks: Vec<Task>,
    /// The counts of the navigation.
    pub badges: Badges,
    /// The last audit entries, newest first.
    pub recent: Vec<audit::Entry>,
    /// The last hour, oldest minute first; minutes without decisions are included.
    pub minutes: Vec<Minute>,
    /// Answers of the last hour.
    pub mix: EffectMix,
    /// The newest rollback drill.
    pub last_drill: Option<LastDrill>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Something that waits for one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// What to do.
    pub kind: TaskKind,
    /// Since when the task waits.
    pub since: Timestamp,
}

/// What a person has to do, with the facts a page needs to describe and link the task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskKind {
    /// A packet waits for this reviewer.
    ReviewPacket {
        /// The packet.
        packet_id: String,
        /// The version under review.
        version: String,
        /// Who submitted the version.
        built_by: String,
        /// Approvals given so far.
        approvals: usize,
        /// Approvals needed.
        required_approvals: u8,
    },
    /// An approved bundle waits to be put into service.
    ApplyBundle {
        /// The approved version.
        version: String,
        /// Who approved.
        approved_by: Vec<String>,
    },
    /// A safety pause waits for the first signature under its release.
    FirstReleaseSignature {
        /// Who paused.
        paused_by: String,
        /// Why.
        reason: String,
    },
    /// A safety pause waits for the second signature under its release.
    SecondReleaseSignature {
        /// Who signed first.
        signed_by: String,
        /// What the first signer says was put right.
        remediation: String,
    },
    /// A rollback drill is overdue.
    RunDrill(OverdueDrill),
    /// An incident that nobody has acknowledged.
    AcknowledgeIncident {
        /// The incident.
        incident_id: String,
        /// What the incident is about.
        title: String,
    },
    /// A reviewer asked for changes of the reader's own draft.
    ChangeDraft {
        /// The draft.
        bundle_id: i64,
        /// The draft's version.
        version: String,
    },
}

/// Why a rollback drill is overdue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OverdueDrill {
    /// No drill was ever run.
    NeverRun,
    /// The last drill failed.
    Failed,
    /// The last drill passed longer ago than [`crate::rollout::drill::OVERDUE_AFTER`].
    Expired,
}

/// How many tasks of each kind wait for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Badges {
    /// Packets the person may act on and has not.
    pub reviews: u32,
    /// Open incidents that nobody has acknowledged, when the person may handle incidents.
    pub incidents: u32,
}

/// Decisions of one minute.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Minute {
    /// The first moment of the minute.
    pub at: Timestamp,
    /// Decisions answered in the minute.
    pub decisions: u64,
    /// Decisions in error.
    pub errors: u64,
}

/// How the decisions of a window were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EffectMix {
    /// Allowed.
    pub allow: u64,
    /// Held for approval.
    pub needs_approval: u64,
    /// Denied.
    pub deny: u64,
    /// Decisions, of any effect, without a matching rule.
    pub no_match: u64,
    /// Decisions, of any effect, in error.
    pub errors: u64,
}
