//! An incident and its timeline.

use policy::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Severity, Status};

/// One line of an incident's timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When the event happened.
    pub at: Timestamp,
    /// The actor.
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
    /// The title, on one line.
    pub title: String,
    /// The severity.
    pub severity: Severity,
    /// The status.
    pub status: Status,
    /// What raised the incident: `policy.rollback`, `policy.activate`, …
    pub source: String,
    /// The agent concerned, if any.
    pub agent: Option<String>,
    /// The bundle concerned, if any.
    pub bundle_id: Option<i64>,
    /// The bundle's version.
    pub bundle_version: Option<String>,
    /// The rollback that opened the incident, if any.
    pub rollback_id: Option<i64>,
    /// The facts known so far, for a person.
    pub description: String,
    /// The person or program that opened the incident.
    pub created_by: String,
    /// When the incident was opened.
    pub created_at: Timestamp,
    /// Deadline for the acknowledgement.
    pub ack_due_at: Timestamp,
    /// Deadline for the investigation.
    pub investigate_due_at: Timestamp,
    /// The person who acknowledged the incident.
    pub acknowledged_by: Option<String>,
    /// When the incident was acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// When the damage had stopped.
    pub mitigated_at: Option<Timestamp>,
    /// When the cause was gone.
    pub resolved_at: Option<Timestamp>,
    /// When nothing was left to do.
    pub closed_at: Option<Timestamp>,
    /// The events so far, oldest first.
    pub timeline: Vec<TimelineEntry>,
}
