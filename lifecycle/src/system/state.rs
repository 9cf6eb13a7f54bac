//! The live system, as `GET /policy/system` answers it.

use policy::{Timestamp, bundle::Effect};
use serde::{Deserialize, Serialize};

use super::Pause;
use crate::bundle::State;

/// One bundle in service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServingBundle {
    /// The bundle's id.
    pub id: i64,
    /// The bundle's version.
    pub version: String,
    /// The bundle's content address.
    pub digest: String,
    /// `active`, `canary` or `shadow`.
    pub state: State,
    /// The bundle's share of traffic in percent.
    pub canary_pct: i16,
    /// When the current stage began.
    pub stage_started_at: Option<Timestamp>,
    /// When the bundle entered service.
    pub activated_at: Option<Timestamp>,
    /// The person who put the bundle into service.
    pub activated_by: Option<String>,
    /// The incident about it, if nothing proves that the bundle may be served: neither a signed record nor a sealed
    /// change by SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unproven: Option<String>,
}

/// Why evaluation is switched off: an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// The reason given.
    pub reason: String,
    /// The person who switched evaluation off.
    pub by: String,
    /// When evaluation was switched off.
    pub since: Timestamp,
}

/// The response of `GET /policy/system`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// Whether evaluation is on.
    pub enabled: bool,
    /// The effect that is answered while evaluation is off.
    pub bypass_effect: Effect,
    /// Why evaluation is off; `None` while it is on.
    #[serde(default)]
    pub disabled: Option<Disabled>,
    /// Whether a safety pause is in force.
    pub paused: bool,
    /// The safety pause in force.
    pub pause: Option<Pause>,
    /// The bundle at 100 %.
    pub stable: Option<ServingBundle>,
    /// The bundle next to stable: canary or shadow.
    pub canary: Option<ServingBundle>,
}

/// The response to a change of the pause or the emergency switch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// The state after the change.
    #[serde(flatten)]
    pub system: System,
    /// What happened, in a sentence.
    pub message: String,
    /// What was odd about the request and was ignored or corrected, because it must not hold up an emergency.
    #[serde(default)]
    pub warnings: Vec<String>,
}
