//! The record of who decided what, and the keyed hash chain that shows when somebody changed it.

pub mod chain;
pub mod checkpoint;
mod judge;
mod status;
#[cfg(test)]
mod tests;
pub mod verify;

pub use chain::{Hash, Seal, seal};
pub use checkpoint::Checkpoint;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use status::ChainStatus;
pub use verify::{Broken, Flaw, Verdict, Verifier};

use policy::Timestamp;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// A bundle was created, cloned or imported as a draft.
    DraftCreated,
    /// A bundle was exported as a signed file.
    Exported,
    /// A draft's content was saved.
    DraftEdited,
    /// A bundle was withdrawn from review or approval.
    Withdrawn,
    /// An edit or withdrawal voided a packet and every action on it.
    PacketVoided,
    /// A review packet was built.
    PacketBuilt,
    /// A reviewer approved.
    Approved,
    /// A reviewer rejected.
    Rejected,
    /// A reviewer asked for changes.
    ChangesRequested,
    /// An approval was found expired, or given against another base, where it was to be used.
    StaleApprovalDetected,
    /// A bundle entered service.
    Applied,
    /// A bundle's share of traffic was raised.
    Promoted,
    /// A bundle was taken out of service.
    RolledBack,
    /// An automatic rollback was due and not made: it is only observed, or nothing can take over.
    RollbackWithheld,
    /// A bundle was replaced at 100 %.
    Superseded,
    /// A bundle returned to 100 % after a rollback.
    Restored,
    /// A safety pause was engaged.
    Paused,
    /// The first of two people signed the release of a safety pause.
    ReleaseSigned,
    /// A safety pause was released by the second signature.
    Released,
    /// Evaluation was switched off in an emergency.
    EvaluationDisabled,
    /// Evaluation was switched on again.
    EvaluationEnabled,
    /// A rollback drill was run.
    DrillRun,
    /// An incident was opened.
    IncidentOpened,
    /// An incident moved on.
    IncidentUpdated,
    /// Somebody signed in.
    SignedIn,
    /// Somebody signed out.
    SignedOut,
    /// A person was added or changed.
    PersonChanged,
    /// A token was created.
    TokenCreated,
    /// A token was revoked.
    TokenRevoked,
    /// A setting was changed.
    SettingsChanged,
    /// A test case was kept.
    TestCaseKept,
    /// A test case was removed.
    TestCaseRemoved,
    /// What came of a bundle in service was measured against what its packet projected.
    Monitored,
    /// The live bundle was changed by SQL.
    ManualFailover,
    /// The example workspace was loaded.
    DemoLoaded,
}

/// One entry. It can be added, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Position, without gaps, from 1.
    pub seq: i64,
    /// When, by the database's clock.
    pub at: Timestamp,
    /// What happened.
    pub event_type: EventType,
    /// Who did it: an email, a token's name or `system`.
    pub actor: String,
    /// In which roles.
    pub roles: Vec<String>,
    /// Through what: `session`, `token`, `cli` or `worker`.
    pub via: String,
    /// What kind of thing: `bundle`, `packet`, `incident`, `system`, `drill`, `person`, `token`, `settings`.
    pub subject_type: String,
    /// Which one.
    pub subject_id: String,
    /// In a sentence, for a person.
    pub summary: String,
    /// Facts for programs: states before and after, reasons, digests.
    pub detail: Value,
    /// What ties it to the entry before it; none for the moment until a change made by SQL is sealed.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}
