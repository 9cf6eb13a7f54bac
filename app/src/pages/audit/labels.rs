//! Audit entries in words, and the filter of the page as it stands in the address bar.

use lifecycle::audit::EventType;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    components::Tone,
    pages::decisions::query::{Range, escape},
};

/// All kinds of events, grouped as the filter offers them.
pub const EVENTS: [EventType; 35] = [
    EventType::DraftCreated,
    EventType::Exported,
    EventType::DraftEdited,
    EventType::Withdrawn,
    EventType::PacketBuilt,
    EventType::PacketVoided,
    EventType::Approved,
    EventType::Rejected,
    EventType::ChangesRequested,
    EventType::StaleApprovalDetected,
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
    EventType::EvaluationDisabled,
    EventType::EvaluationEnabled,
    EventType::DrillRun,
    EventType::IncidentOpened,
    EventType::IncidentUpdated,
    EventType::SignedIn,
    EventType::SignedOut,
    EventType::PersonChanged,
    EventType::TokenCreated,
    EventType::TokenRevoked,
    EventType::SettingsChanged,
    EventType::TestCaseKept,
    EventType::TestCaseRemoved,
    EventType::ManualFailover,
    EventType::DemoLoaded,
];

/// What happened, in a word or two.
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
        EventType::StaleApprovalDetected => "stale approval detected",
        EventType::Applied => "applied",
        EventType::Promoted => "promoted",
        EventType::RolledBack => "rolled back",
        EventType::RollbackWithheld => "rollback withheld",
        EventType::Superseded => "superseded",
        EventType::Restored => "restored",
        EventType::Paused => "paused",
        EventType::ReleaseSigned => "release signed, 1 of 2",
        EventType::Released => "pause released",
        EventType::EvaluationDisabled => "evaluation disabled",
        EventType::EvaluationEnabled => "evaluation enabled",
        EventType::DrillRun => "drill run",
        EventType::IncidentOpened => "incident opened",
        EventType::IncidentUpdated => "incident updated",
        EventType::SignedIn => "signed in",
        EventType::SignedOut => "signed out",
        EventType::PersonChanged => "person changed",
        EventType::TokenCreated => "token created",
        EventType::TokenRevoked => "token revoked",
        EventType::SettingsChanged => "settings changed",
        EventType::TestCaseKept => "test case kept",
        EventType::TestCaseRemoved => "test case removed",
        EventType::Monitored => "measured",
        EventType::ManualFailover => "manual failover",
        EventType::DemoLoaded => "demo loaded",
    }
}

/// How much an event should catch the eye: green when traffic or trust grew, red when something was taken back or
/// refused, blue when somebody else has to do something now.
pub const fn weight(event: EventType) -> Tone {
    match event {
        EventType::Approved
        | EventType::Applied
        | EventType::Promoted
        | EventType::Restored
        | EventType::Released
        | EventType::EvaluationEnabled => Tone::Good,
        EventType::Rejected
        | EventType::RolledBack
        | EventType::Paused
        | EventType::EvaluationDisabled
        | EventType::IncidentOpened
        | EventType::ManualFailover => Tone::Bad,
        EventType::ChangesRequested
        | EventType::PacketVoided
        | EventType::StaleApprovalDetected
        | EventType::RollbackWithheld => Tone::Warn,
        EventType::PacketBuilt | EventType::ReleaseSigned => Tone::Accent,
        _ => Tone::Neutral,
    }
}

/// The name of an event in JSON, SQL and the address.
pub fn name(event: EventType) -> String {
    serde_json::to_value(event).ok().and_then(|v| v.as_str().map(ToOwned::to_owned)).unwrap_or_default()
}

/// The page about an entry's subject, where there is one.
pub fn subject_link(subject_type: &str, subject_id: &str) -> Option<String> {
    match subject_type {
        "bundle" => Some(format!("/studio/{subject_id}")),
        "packet" => Some(format!("/reviews/{subject_id}")),
        "incident" => Some(format!("/incidents/{subject_id}")),
        "drill" => Some(format!("/drills?drill={subject_id}")),
        "decision" => Some(format!("/decisions/{}", escape(subject_id))),
        _ => None,
    }
}

/// The facts of an entry as rows: nested objects by dotted path.
pub fn facts(detail: &Value) -> Vec<(String, String)> {
    match detail {
        Value::Object(members) => crate::components::facts::rows(members),
        Value::Null => vec![],
        other => vec![("detail".to_owned(), other.to_string())],
    }
}

/// What to show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Only this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventType>,
    /// Only what this actor did; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub actor: String,
    /// Only what concerns this kind of thing; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject_type: String,
    /// Only what concerns this one thing; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject_id: String,
    /// How far back.
    pub range: Range,
    /// Oldest first, to read what happened as a story.
    pub oldest_first: bool,
    /// Where the page before ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Query {
    /// Reads a query from the parameters of an address. What it does not parse_rules it leaves out.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        Self {
            event: text("event").and_then(|wanted| EVENTS.into_iter().find(|event| name(*event) == wanted)),
            actor: text("actor").unwrap_or_default(),
            subject_type: text("subject_type").unwrap_or_default(),
            subject_id: text("subject_id").unwrap_or_default(),
            range: text("range").map(|name| Range::from_name(&name)).unwrap_or_default(),
            oldest_first: text("order").as_deref() == Some("oldest"),
            cursor: text("cursor"),
        }
    }

    /// Whether anything is left out.
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
            ("range", (self.range != Range::All).then(|| self.range.name())),
            ("order", self.oldest_first.then_some("oldest")),
            ("cursor", cursor),
        ];
        let query: Vec<_> = pairs
            .into_iter()
            .filter_map(|(name, value)| {
                let value = value.filter(|value| !value.is_empty())?;
                Some(format!("{name}={}", escape(value)))
            })
            .collect();
        if query.is_empty() { "/audit".to_owned() } else { format!("/audit?{}", query.join("&")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written_back() {
        let query = Query::read(|name| match name {
            "event" => Some("rolled_back".into()),
            "order" => Some("oldest".into()),
            "range" => Some("7d".into()),
            _ => None,
        });
        assert_eq!(query.event, Some(EventType::RolledBack));
        assert_eq!(query.link(None), "/audit?event=rolled_back&range=7d&order=oldest");
        assert_eq!(Query::default().link(Some("9")), "/audit?cursor=9");
    }

    #[test]
    fn the_filter_offers_every_event_once() {
        let mut names: Vec<_> = EVENTS.into_iter().map(name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), EVENTS.len());
    }
}
