//! The events that KPIs are counted from, read from audit entries.

use policy::Timestamp;
use serde_json::{Map, Value};

/// Changes compared with the bundle before.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Deltas {
    /// Margin per decision, in basis points.
    pub margin_bps: Option<i64>,
    /// Share of the decisions carried out that reached their goal, in basis points.
    pub success_bps: Option<i64>,
    /// Time until a decision is carried out, waiting for approval included, in seconds.
    pub approval_latency_seconds: Option<f64>,
}

/// The kind of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// A packet of the candidate was built.
    Built {
        /// The packet.
        packet: String,
        /// The projected changes.
        projected: Deltas,
        /// Whether two replays agreed.
        deterministic: bool,
        /// Whether a red-team scenario or guardrail blocks the packet.
        unsafe_: bool,
    },
    /// A reviewer acted on a packet.
    Decided {
        /// The packet.
        packet: String,
        /// Whether the reviewer approved.
        approved: bool,
        /// Whether this action completed the quorum.
        accepted: bool,
    },
    /// The candidate entered service.
    Applied,
    /// The candidate was rolled back.
    RolledBack {
        /// When the problem was noticed.
        triggered_at: Option<Timestamp>,
    },
    /// The candidate's results were measured.
    Monitored {
        /// The realised changes compared with the bundle before.
        realized: Deltas,
    },
}

/// One event of one candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The number of the audit entry; events are ordered by this number.
    pub seq: i64,
    /// When the event happened.
    pub at: Timestamp,
    /// The candidate: a bundle's number.
    pub candidate: i64,
    /// The candidate's version.
    pub version: Option<String>,
    /// What happened.
    pub kind: EventKind,
}

impl Event {
    /// Reads an audit entry, as in an exported file; `None` for an entry that no KPI counts.
    pub fn from_audit_entry(entry: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let (event, subject) = (text("event_type")?, text("subject_id")?);
        let detail = entry.get("detail")?;
        let kind = event_kind(event, subject, detail)?;
        let candidate = match kind {
            EventKind::Built { .. } | EventKind::Decided { .. } => detail.get("bundle_id")?.as_i64()?,
            _ => subject.parse().ok()?,
        };
        Some(Self {
            seq: entry.get("seq")?.as_i64()?,
            at: text("at")?.parse().ok()?,
            candidate,
            version: detail.get("version").and_then(Value::as_str).map(str::to_owned),
            kind,
        })
    }
}

/// The types of audit entries that [`Event::from_audit_entry`] reads, for the database query.
pub const COUNTED_EVENT_TYPES: [&str; 8] = [
    "packet_built",
    "approved",
    "rejected",
    "changes_requested",
    "applied",
    "rolled_back",
    "manual_failover",
    "monitored",
];

fn event_kind(event: &str, subject: &str, detail: &Value) -> Option<EventKind> {
    let is = |name: &str| detail.get(name).and_then(Value::as_bool).unwrap_or(false);
    let becomes = |state: &str| detail.get("to_state").and_then(Value::as_str) == Some(state);
    Some(match event {
        "packet_built" => EventKind::Built {
            packet: subject.to_owned(),
            projected: deltas(detail.get("projected_kpis")),
            deterministic: is("deterministic_pass"),
            unsafe_: detail.get("blockers").and_then(Value::as_array).is_some_and(|blockers| !blockers.is_empty()),
        },
        "approved" | "rejected" | "changes_requested" => {
            let approved = event == "approved";
            EventKind::Decided { packet: subject.to_owned(), approved, accepted: approved && becomes("approved") }
        }
        "applied" => EventKind::Applied,
        "rolled_back" => EventKind::RolledBack {
            triggered_at: detail.get("rollback_triggered_at").and_then(Value::as_str).and_then(|at| at.parse().ok()),
        },
        // A rollback by SQL does not record when the problem was noticed.
        "manual_failover" if becomes("rolled_back") => EventKind::RolledBack { triggered_at: None },
        "monitored" => EventKind::Monitored { realized: deltas(detail.get("realized_kpis")) },
        _ => return None,
    })
}

fn deltas(value: Option<&Value>) -> Deltas {
    let number = |name: &str| value.and_then(|value| value.get(name)).and_then(Value::as_f64);
    Deltas {
        margin_bps: number("margin_delta_bps").map(whole),
        success_bps: number("success_delta_bps").map(whole),
        approval_latency_seconds: number("approval_latency_delta_ms").map(|millis| millis / 1000.0),
    }
}

/// Basis points as a whole number, rounded half away from zero.
fn whole(value: f64) -> i64 {
    value.round() as i64
}
