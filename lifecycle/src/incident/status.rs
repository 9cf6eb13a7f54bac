//! The severity of an incident, and how far it has been dealt with.

use serde::{Deserialize, Serialize};

/// The severity of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
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

/// The status of an incident: how far it has been dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(test, derive(strum::VariantArray))]
pub enum Status {
    /// Nobody has acknowledged the incident.
    Open,
    /// A person deals with the incident.
    Acknowledged,
    /// The damage has stopped.
    Mitigated,
    /// The cause is gone.
    Resolved,
    /// Nothing is left to do.
    Closed,
}

impl Severity {
    /// The name used in JSON, SQL and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Status {
    /// The name used in JSON, SQL and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
