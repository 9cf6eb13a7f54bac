//! What the figures are counted from, read out of audit entries.

use policy::Timestamp;
use serde_json::{Map, Value};

/// Differences to the bundle before.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Deltas {
    /// Margin a decision, in basis points.
    pub margin_bps: Option<i64>,
    /// Share of the decisions carried out that reached their goal, in basis points.
    pub success_bps: Option<i64>,
    /// Time until a decision is carried out, waiting for approval included, in seconds.
    pub approval_latency_seconds: Option<f64>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A packet was built, which replays the candidate.
    Built {
        /// The packet.
        packet: String,
        /// What it projects.
        projected: Deltas,
        /// Whether two replays gave the same.
        deterministic: bool,
        /// Whether a red-team scenario or guardrail stands against it.
        unsafe_: bool,
    },
    /// Somebody acted on a packet.
    Decided {
        /// The packet.
        packet: String,
        /// Whether they approved.
        approved: bool,
        /// Whether the packet had its quorum with it.
        accepted: bool,
    },
    /// The candidate entered service.
    Applied,
    /// The candidate was taken out as bad.
    RolledBack {
        /// When the trouble was noticed.
        triggered_at: Option<Timestamp>,
    },
    /// What came of it was measured.
    Monitored {
        /// Against the bundle before.
        realized: Deltas,
    },
}

/// One event of one candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Number of its audit entry: the order in which things happened.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The candidate: a bundle's number.
    pub candidate: i64,
    /// Its version.
    pub version: Option<String>,
    /// What happened.
    pub fact: Fact,
}

impl Event {
    /// Reads an audit entry, as in an exported file; none when the figures do not count it.
    pub fn read(entry: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let (event, subject) = (text("event_type")?, text("subject_id")?);
        let detail = entry.get("detail")?;
        let fact = fact(event, subject, detail)?;
        let candidate = match fact {
            Fact::Built { .. } | Fact::Decided { .. } => detail.get("bundle_id")?.as_i64()?,
            _ => subject.parse().ok()?,
        };
        Some(Self {
            seq: entry.get("seq")?.as_i64()?,
            at: text("at")?.parse().ok()?,
            candidate,
            version: detail.get("version").and_then(Value::as_str).map(str::to_owned),
            fact,
        })
    }
}

/// The kinds of entries [`Event::read`] reads, for those who ask a database for them.
pub const READ: [&str; 8] = [
    "packet_built",
    "approved",
    "rejected",
    "changes_requested",
    "applied",
    "rolled_back",
    "manual_failover",
    "monitored",
];

fn fact(event: &str, subject: &str, detail: &Value) -> Option<Fact> {
    let is = |name: &str| detail.get(name).and_then(Value::as_bool).unwrap_or(false);
    let becomes = |state: &str| detail.get("to_state").and_then(Value::as_str) == Some(state);
    Some(match event {
        "packet_built" => Fact::Built {
            packet: subject.to_owned(),
            projected: deltas(detail.get("projected_kpis")),
            deterministic: is("deterministic_pass"),
            unsafe_: detail.get("blockers").and_then(Value::as_array).is_some_and(|blockers| !blockers.is_empty()),
        },
        "approved" | "rejected" | "changes_requested" => {
            let approved = event == "approved";
            Fact::Decided { packet: subject.to_owned(), approved, accepted: approved && becomes("approved") }
        }
        "applied" => Fact::Applied,
        "rolled_back" => Fact::RolledBack {
            triggered_at: detail.get("rollback_triggered_at").and_then(Value::as_str).and_then(|at| at.parse().ok()),
        },
        // Taken out by SQL: when the trouble was noticed, nobody wrote down.
        "manual_failover" if becomes("rolled_back") => Fact::RolledBack { triggered_at: None },
        "monitored" => Fact::Monitored { realized: deltas(detail.get("realized_kpis")) },
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

/// Basis points as a whole number, half away from zero.
#[expect(clippy::cast_possible_truncation, reason = "it saturates, and margins are far below 2^63 basis points")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}
