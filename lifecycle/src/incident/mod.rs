//! Incidents: something went wrong with a policy and somebody has to look.

pub mod post_mortem;
pub mod step;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use step::Step;

use policy::Timestamp;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Can wait.
    Low,
    /// Should be looked at today.
    Medium,
    /// Must be acknowledged within 15 minutes.
    High,
    /// Must be acknowledged at once.
    Critical,
}

/// How far it has been dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has taken it.
    Open,
    /// Somebody has taken it.
    Acknowledged,
    /// The damage has stopped.
    Mitigated,
    /// The cause is gone.
    Resolved,
    /// Nothing is left to do.
    Closed,
}

impl Severity {
    /// All, mildest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name used in JSON, SQL and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl Status {
    /// All, in order.
    pub const ALL: [Self; 5] = [Self::Open, Self::Acknowledged, Self::Mitigated, Self::Resolved, Self::Closed];

    /// The name used in JSON, SQL and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Mitigated => "mitigated",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }
}

/// One line of an incident's timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What happened, for a person.
    pub text: String,
    /// Facts for programs.
    #[serde(default)]
    pub detail: Value,
}

/// One incident. Its JSON form is the contract of `GET /incidents/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// `INC-YYYY-NNNN`
    pub id: String,
    /// What it is about, in a line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// How far it has been dealt with.
    pub status: Status,
    /// What raised it: `policy.rollback`, `policy.activate`, …
    pub source: String,
    /// The agent concerned, if one.
    pub agent: Option<String>,
    /// The bundle concerned.
    pub bundle_id: Option<i64>,
    /// Its version.
    pub bundle_version: Option<String>,
    /// The rollback that belongs to it.
    pub rollback_id: Option<i64>,
    /// What is known, for a person.
    pub description: String,
    /// Who raised it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Acknowledge until then.
    pub ack_due_at: Timestamp,
    /// Find the cause until then.
    pub investigate_due_at: Timestamp,
    /// Who took it.
    pub acknowledged_by: Option<String>,
    /// When.
    pub acknowledged_at: Option<Timestamp>,
    /// When the damage stopped.
    pub mitigated_at: Option<Timestamp>,
    /// When the cause was gone.
    pub resolved_at: Option<Timestamp>,
    /// When nothing was left to do.
    pub closed_at: Option<Timestamp>,
    /// What happened, oldest first.
    pub timeline: Vec<TimelineEntry>,
}
