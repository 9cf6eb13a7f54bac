//! The filter of the audit trail.

use lifecycle::audit::EventType;
use serde::{Deserialize, Serialize};

use super::{
    address::{link, parameter},
    range::TimeRange,
};

/// All kinds of events, grouped as the filter offers them.
pub const EVENTS: [EventType; 73] = [
    EventType::DraftCreated,
    EventType::Exported,
    EventType::DraftEdited,
    EventType::Withdrawn,
    EventType::PacketBuilt,
    EventType::PacketVoided,
    EventType::Approved,
    EventType::Rejected,
    EventType::ChangesRequested,
    EventType::ExceptionSigned,
    EventType::StaleApprovalDetected,
    EventType::ApprovalRequested,
    EventType::CallApproved,
    EventType::CallDenied,
    EventType::ApprovalExpired,
    EventType::ApprovalCancelled,
    EventType::ApprovalUsed,
    EventType::ScopeRevoked,
    EventType::Applied,
    EventType::Promoted,
    EventType::RolledBack,
    EventType::RollbackWithheld,
    EventType::Superseded,
    EventType::Restored,
    EventType::Monitored,
    EventType::Paused,
    EventType::ReleaseSigned,
    EventType::Released,
    EventType::FreezeMade,
    EventType::FreezeEnded,
    EventType::FreezePassed,
    EventType::EvaluationDisabled,
    EventType::EvaluationEnabled,
    EventType::DrillRun,
    EventType::IncidentOpened,
    EventType::IncidentUpdated,
    EventType::SignedIn,
    EventType::SignedOut,
    EventType::SignInFailed,
    EventType::AccessRefused,
    EventType::SessionsEnded,
    EventType::PersonInvited,
    EventType::PersonChanged,
    EventType::PersonJoined,
    EventType::IdentityLinked,
    EventType::IdentityUnlinked,
    EventType::RolesFromGroups,
    EventType::SessionsNotConfirmed,
    EventType::PasswordChanged,
    EventType::ResetStarted,
    EventType::ResetHandedOver,
    EventType::RolesProposed,
    EventType::RolesAccepted,
    EventType::AnnouncementAcknowledged,
    EventType::RolesRejected,
    EventType::TokenCreated,
    EventType::TokenRevoked,
    EventType::SettingsChanged,
    EventType::SettingsProposed,
    EventType::ProposalAccepted,
    EventType::ProposalRejected,
    EventType::PartnerKeyProposed,
    EventType::PartnerKeyAccepted,
    EventType::PartnerKeyRejected,
    EventType::PartnerKeyRemoved,
    EventType::TestCaseKept,
    EventType::TestCaseRemoved,
    EventType::DecisionsClosed,
    EventType::DecisionsArchived,
    EventType::DecisionsRestored,
    EventType::ManualFailover,
    EventType::SqlChange,
    EventType::DemoLoaded,
];

/// The name of an event in JSON, SQL and the address.
pub fn name(event: EventType) -> String {
    serde_json::to_value(event).ok().and_then(|v| v.as_str().map(ToOwned::to_owned)).unwrap_or_default()
}

/// Which audit entries to show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditFilter {
    /// Only this kind of event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventType>,
    /// Only entries by this actor; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub actor: String,
    /// Only entries about this kind of subject; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject_type: String,
    /// Only entries about the subject with this id; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject_id: String,
    /// The time range.
    pub range: TimeRange,
    /// Oldest first, to read the entries in the order of events.
    pub oldest_first: bool,
    /// The cursor at which the previous page ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl AuditFilter {
    /// Reads a filter from the parameters of an address. Values that cannot be read are left out.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| parameter(&get, name);
        Self {
            event: text("event").and_then(|wanted| EVENTS.into_iter().find(|event| name(*event) == wanted)),
            actor: text("actor").unwrap_or_default(),
            subject_type: text("subject_type").unwrap_or_default(),
            subject_id: text("subject_id").unwrap_or_default(),
            range: text("range").map(|name| TimeRange::from_name(&name)).unwrap_or_default(),
            oldest_first: text("order").as_deref() == Some("oldest"),
            cursor: text("cursor"),
        }
    }

    /// Whether any entry is filtered out.
    pub fn is_filtered(&self) -> bool {
        *self != Self { cursor: self.cursor.clone(), oldest_first: self.oldest_first, ..Self::default() }
    }

    /// The address of the list from `cursor` on.
    pub fn link(&self, cursor: Option<&str>) -> String {
        let event = self.event.map(name);
        let pairs = [
            ("event", event.as_deref()),
            ("actor", Some(self.actor.as_str())),
            ("subject_type", Some(self.subject_type.as_str())),
            ("subject_id", Some(self.subject_id.as_str())),
            ("range", (self.range != TimeRange::All).then(|| self.range.name())),
            ("order", self.oldest_first.then_some("oldest")),
            ("cursor", cursor),
        ];
        link("/audit", &pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written_back() {
        let filter = AuditFilter::read(|name| match name {
            "event" => Some("rolled_back".into()),
            "order" => Some("oldest".into()),
            "range" => Some("7d".into()),
            _ => None,
        });
        assert_eq!(filter.event, Some(EventType::RolledBack));
        assert_eq!(filter.link(None), "/audit?event=rolled_back&range=7d&order=oldest");
        assert_eq!(AuditFilter::default().link(Some("9")), "/audit?cursor=9");
    }

    #[test]
    fn the_filter_offers_every_event_once() {
        let mut names: Vec<_> = EVENTS.into_iter().map(name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), EVENTS.len());
    }
}
