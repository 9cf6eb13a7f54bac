//! The first page: the bundles in service, the reader's tasks, and the decisions of the last hour.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{audit, authority::Announcement, rollout::LastDrill, system::System};

/// The first page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// The bundles in service, the safety pause and the emergency switch.
    pub system: System,
    /// What a safety owner has to acknowledge, oldest first; empty for everybody else.
    pub announcements: Vec<Announcement>,
    /// The tasks that wait for the reader, oldest first.
    pub tasks: Vec<Task>,
    /// The counts of the navigation.
    pub badges: Badges,
    /// The last audit entries, newest first.
    pub recent: Vec<audit::Entry>,
    /// The last hour, oldest minute first; minutes without decisions are included.
    pub minutes: Vec<Minute>,
    /// How the decisions of the last hour were answered.
    pub mix: EffectMix,
    /// The newest rollback drill.
    pub last_drill: Option<LastDrill>,
    /// When the overview was read.
    pub as_of: Timestamp,
}

/// A task that waits for one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The kind of task, with its facts.
    pub kind: TaskKind,
    /// When the task arose.
    pub since: Timestamp,
}

/// The kinds of tasks, each with the facts that a page needs to describe the task and link to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskKind {
    /// Agents wait for this person to decide about their calls.
    DecideApprovals {
        /// Requests that wait for the person.
        requests: u32,
        /// Agents that made them.
        agents: u32,
        /// When the first of them expires.
        first_expires_at: Timestamp,
    },
    /// A packet waits for this reviewer.
    ReviewPacket {
        /// The packet.
        packet_id: String,
        /// The version under review.
        version: String,
        /// The person who submitted the version.
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
        /// The people who approved the packet.
        approved_by: Vec<String>,
    },
    /// A safety pause waits for the first signature on its release.
    FirstReleaseSignature {
        /// The person who engaged the pause.
        paused_by: String,
        /// The reason for the pause.
        reason: String,
    },
    /// A safety pause waits for the second signature on its release.
    SecondReleaseSignature {
        /// The first signer.
        signed_by: String,
        /// The remediation, as the first signer described it.
        remediation: String,
    },
    /// A rollback drill is overdue.
    RunDrill(OverdueDrill),
    /// An incident that nobody has acknowledged.
    AcknowledgeIncident {
        /// The incident.
        incident_id: String,
        /// The title of the incident.
        title: String,
    },
    /// A proposal waits for a safety owner.
    Countersign {
        /// What is proposed.
        what: Countersigned,
        /// Whom or what it is about: an email, the name of a partner, or the settings.
        about: String,
        /// Who proposed it.
        proposed_by: String,
    },
    /// A reviewer asked for changes to the reader's own draft.
    ChangeDraft {
        /// The draft.
        bundle_id: i64,
        /// The draft's version.
        version: String,
    },
}

/// What safety owners countersign, apart from packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Countersigned {
    /// Settings that weaken a safeguard.
    Settings,
    /// Roles for a person.
    Roles,
    /// The public key of a partner.
    PartnerKey,
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
    /// Approval requests that the person may decide about and has not decided about yet.
    pub approvals: u32,
    /// Packets that the person may act on and has not acted on yet.
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
    /// Decisions with the effect `allow`.
    pub allow: u64,
    /// Decisions with the effect `needs_approval`.
    pub needs_approval: u64,
    /// Decisions with the effect `deny`.
    pub deny: u64,
    /// Decisions, of any effect, without a matching rule.
    pub no_match: u64,
    /// Decisions, of any effect, in error.
    pub errors: u64,
}
