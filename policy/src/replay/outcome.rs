//! The reported outcome of a decision.

use serde::{Deserialize, Serialize};

/// The reported outcome of a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Whether the action worked.
    pub status: OutcomeStatus,
    /// The actual cost, in USD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// The margin, in basis points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin_bps: Option<f64>,
    /// Whether the business goal was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// The latency, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Whether an action worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// The action worked.
    Ok,
    /// The action failed.
    Error,
}
