//! The entries of the audit trail.

use policy::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Seal;

/// What happened.
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
    /// An agent asked people for approval of a call.
    ApprovalRequested,
    /// A person approved a call.
    CallApproved,
    /// A person denied a call.
    CallDenied,
    /// A request for approval expired without an answer.
    ApprovalExpired,
    /// An agent took a request for approval back.
    ApprovalCancelled,
    /// An approval was used: the call was allowed.
    ApprovalUsed,
    /// A person revoked the scope of an approval.
    ScopeRevoked,
    /// An exception to a failed guardrail was signed.
    ExceptionSigned,
    /// An approval that was about to be used had expired or had been given against another base.
    StaleApprovalDetected,
    /// A bundle entered service.
    Applied,
    /// A bundle's share of traffic was raised.
    Promoted,
    /// A bundle was taken out of service.
    RolledBack,
    /// An automatic rollback was due but withheld: automatic rollback is in observe mode, or no bundle can take over.
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
    /// A freeze was made, or the line stopped.
    FreezeMade,
    /// A freeze was ended.
    FreezeEnded,
    /// A person with an exemption passed a freeze.
    FreezePassed,
    /// Evaluation was switched off in an emergency.
    EvaluationDisabled,
    /// Evaluation was switched on again.
    EvaluationEnabled,
    /// A rollback drill was run.
    DrillRun,
    /// An incident was opened.
    IncidentOpened,
    /// An incident changed its status.
    IncidentUpdated,
    /// A person signed in.
    SignedIn,
    /// Sign-ins with a wrong password or for an unknown account, summed for one source and minute.
    SignInFailed,
    /// Requests that the caller's roles or scope do not allow, summed for one actor and minute.
    AccessRefused,
    /// A person signed out.
    SignedOut,
    /// A person ended one or all of their sessions.
    SessionsEnded,
    /// A person was added or changed.
    PersonChanged,
    /// A person was invited.
    PersonInvited,
    /// A person chose a password of their own.
    PasswordChanged,
    /// A person was added when they signed in through the sign-in provider for the first time.
    PersonJoined,
    /// A person linked their account with the sign-in provider.
    IdentityLinked,
    /// A person unlinked their account from the sign-in provider.
    IdentityUnlinked,
    /// Groups at the sign-in provider gave a person roles, or took them away.
    RolesFromGroups,
    /// The sign-in provider did not confirm a person any more: sessions that began there ended.
    SessionsNotConfirmed,
    /// A link was made with which a person chooses a new password.
    ResetStarted,
    /// An administrator got a link to an account to hand over: its sessions, tokens and open signatures ended.
    ResetHandedOver,
    /// A safety owner acknowledged what was done to an account without a second person.
    AnnouncementAcknowledged,
    /// New roles of a person wait for a safety owner.
    RolesProposed,
    /// A safety owner accepted new roles of a person.
    RolesAccepted,
    /// New roles of a person were rejected or withdrawn, or replaced by newer ones.
    RolesRejected,
    /// A token was created.
    TokenCreated,
    /// A token was revoked.
    TokenRevoked,
    /// A setting was changed.
    SettingsChanged,
    /// A change that weakens a safeguard was proposed.
    SettingsProposed,
    /// A proposed change of a safeguard was accepted.
    ProposalAccepted,
    /// A proposed change of a safeguard was rejected.
    ProposalRejected,
    /// A partner's public key waits for a safety owner.
    PartnerKeyProposed,
    /// A safety owner accepted a partner's public key.
    PartnerKeyAccepted,
    /// A partner's public key was rejected, or its proposal withdrawn.
    PartnerKeyRejected,
    /// A partner's public key was removed: it is trusted no more.
    PartnerKeyRemoved,
    /// A test case was saved.
    TestCaseKept,
    /// A test case was removed.
    TestCaseRemoved,
    /// The results of a bundle in service were compared with what its packet projected.
    Monitored,
    /// A day of the decision log was closed: nothing is added to it any more.
    DecisionsClosed,
    /// A day of the decision log was archived to a file and is taken out of the database.
    DecisionsArchived,
    /// An archived day of the decision log was brought back.
    DecisionsRestored,
    /// The live bundle was changed by SQL.
    ManualFailover,
    /// The database role of the program, or its owner, changed by SQL what people decide: accounts, tokens, settings,
    /// proposals, or the state of a packet or a draft.
    SqlChange,
    /// The example workspace was loaded.
    DemoLoaded,
}

impl EventType {
    /// What the service does every day by itself: nobody needs to hear of it.
    pub const ROUTINE: [Self; 2] = [Self::DecisionsClosed, Self::DecisionsArchived];
}

/// One entry of the trail. Entries are added, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The position in the trail: from 1, without gaps.
    pub seq: i64,
    /// When the event happened, by the database's clock.
    pub at: Timestamp,
    /// What happened.
    pub event_type: EventType,
    /// The actor: an email, a token's name or `system`.
    pub actor: String,
    /// The actor's roles.
    pub roles: Vec<String>,
    /// How the actor reached the service: `session`, `token`, `cli` or `worker`.
    pub via: String,
    /// The token or session the actor came with, such as `token:7`; `None` for jobs, the command line and SQL, and in
    /// entries from before credentials were recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The kind of the subject: `bundle`, `packet`, `incident`, `system`, `drill`, `person`, `token`, `settings`, `day`.
    pub subject_type: String,
    /// The subject's id.
    pub subject_id: String,
    /// The event in a sentence, for a person.
    pub summary: String,
    /// Facts for programs: states before and after, reasons, digests.
    pub detail: Value,
    /// The seal that ties the entry to the one before it; `None` until the server seals a change made by SQL.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}
