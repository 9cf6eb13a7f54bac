//! Labels of audit entries.

use lifecycle::audit::EventType;
use serde_json::Value;

use crate::{components::Tone, filter::address::escape};

/// The label of an event.
pub const fn event(event: EventType) -> &'static str {
    match event {
        EventType::DraftCreated => "draft created",
        EventType::Exported => "exported",
        EventType::DraftEdited => "draft edited",
        EventType::Withdrawn => "withdrawn",
        EventType::PacketVoided => "packet voided",
        EventType::PacketBuilt => "submitted",
        EventType::Approved => "approved",
        EventType::Rejected => "rejected",
        EventType::ChangesRequested => "changes requested",
        EventType::ExceptionSigned => "exception signed",
        EventType::StaleApprovalDetected => "stale approval detected",
        EventType::ApprovalRequested => "approval requested",
        EventType::CallApproved => "call approved",
        EventType::CallDenied => "call denied",
        EventType::ApprovalExpired => "request expired",
        EventType::ApprovalCancelled => "request cancelled",
        EventType::ApprovalUsed => "approval used",
        EventType::ScopeRevoked => "approval revoked",
        EventType::Applied => "applied",
        EventType::Promoted => "promoted",
        EventType::RolledBack => "rolled back",
        EventType::RollbackWithheld => "rollback withheld",
        EventType::Superseded => "superseded",
        EventType::Restored => "restored",
        EventType::Paused => "paused",
        EventType::ReleaseSigned => "release signed, 1 of 2",
        EventType::Released => "pause released",
        EventType::FreezeMade => "freeze made",
        EventType::FreezeEnded => "freeze ended",
        EventType::FreezePassed => "freeze passed",
        EventType::EvaluationDisabled => "evaluation disabled",
        EventType::EvaluationEnabled => "evaluation enabled",
        EventType::DrillRun => "drill run",
        EventType::IncidentOpened => "incident opened",
        EventType::IncidentUpdated => "incident updated",
        EventType::SignedIn => "signed in",
        EventType::SignedOut => "signed out",
        EventType::SignInFailed => "sign-in failed",
        EventType::AccessRefused => "access refused",
        EventType::SessionsEnded => "sessions ended",
        EventType::PersonInvited => "person invited",
        EventType::PersonChanged => "person changed",
        EventType::PasswordChanged => "password changed",
        EventType::PersonJoined => "person joined",
        EventType::IdentityLinked => "account linked",
        EventType::IdentityUnlinked => "account unlinked",
        EventType::RolesFromGroups => "roles from groups",
        EventType::SessionsNotConfirmed => "sessions not confirmed",
        EventType::ResetStarted => "new password started",
        EventType::ResetHandedOver => "account handed over",
        EventType::RolesProposed => "roles proposed",
        EventType::RolesAccepted => "roles accepted",
        EventType::AnnouncementAcknowledged => "announcement acknowledged",
        EventType::RolesRejected => "roles rejected",
        EventType::TokenCreated => "token created",
        EventType::TokenRevoked => "token revoked",
        EventType::SettingsChanged => "settings changed",
        EventType::SettingsProposed => "weaker safeguard proposed",
        EventType::ProposalAccepted => "weaker safeguard accepted",
        EventType::ProposalRejected => "weaker safeguard rejected",
        EventType::PartnerKeyProposed => "partner's key proposed",
        EventType::PartnerKeyAccepted => "partner's key accepted",
        EventType::PartnerKeyRejected => "partner's key rejected",
        EventType::PartnerKeyRemoved => "partner's key removed",
        EventType::TestCaseKept => "test case kept",
        EventType::TestCaseRemoved => "test case removed",
        EventType::Monitored => "measured",
        EventType::DecisionsClosed => "day closed",
        EventType::DecisionsArchived => "day archived",
        EventType::DecisionsRestored => "day restored",
        EventType::ManualFailover => "manual failover",
        EventType::SqlChange => "changed by SQL",
        EventType::DemoLoaded => "demo loaded",
    }
}

/// The colour of an event: green if traffic or trust grew, red if something was withdrawn or refused, blue if another
/// person must act.
pub const fn tone(event: EventType) -> Tone {
    match event {
        EventType::Approved
        | EventType::CallApproved
        | EventType::Applied
        | EventType::Promoted
        | EventType::Restored
        | EventType::Released
        | EventType::EvaluationEnabled => Tone::Good,
        EventType::Rejected
        | EventType::CallDenied
        | EventType::ScopeRevoked
        | EventType::ExceptionSigned
        | EventType::ProposalAccepted
        | EventType::RolledBack
        | EventType::Paused
        | EventType::EvaluationDisabled
        | EventType::IncidentOpened
        | EventType::ResetHandedOver
        | EventType::ManualFailover
        | EventType::SqlChange => Tone::Bad,
        EventType::ChangesRequested
        | EventType::ApprovalExpired
        | EventType::PacketVoided
        | EventType::StaleApprovalDetected
        | EventType::SignInFailed
        | EventType::AccessRefused
        | EventType::FreezeMade
        | EventType::FreezePassed
        | EventType::RollbackWithheld => Tone::Warn,
        EventType::PacketBuilt
        | EventType::ApprovalRequested
        | EventType::ReleaseSigned
        | EventType::RolesProposed
        | EventType::PartnerKeyProposed
        | EventType::SettingsProposed => Tone::Accent,
        _ => Tone::Neutral,
    }
}

/// The address of the page about an entry's subject; `None` if there is no such page.
pub fn subject_link(subject_type: &str, subject_id: &str) -> Option<String> {
    match subject_type {
        "approval" => Some(format!("/approvals/{subject_id}")),
        "bundle" => Some(format!("/studio/{subject_id}")),
        "packet" => Some(format!("/reviews/{subject_id}")),
        "incident" => Some(format!("/incidents/{subject_id}")),
        "drill" => Some(format!("/drills?drill={subject_id}")),
        "decision" => Some(format!("/decisions/{}", escape(subject_id))),
        _ => None,
    }
}

/// The details of an entry as rows, with nested objects by dotted path.
pub fn facts(detail: &Value) -> Vec<(String, String)> {
    match detail {
        Value::Object(members) => crate::components::facts::rows(members),
        Value::Null => vec![],
        other => vec![("detail".to_owned(), crate::labels::outside(&other.to_string()))],
    }
}
