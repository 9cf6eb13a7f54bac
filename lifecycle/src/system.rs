//! What is live: the two arms, the pause and the emergency switch.

use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    bundle::{Effect, State},
};

/// One bundle in service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServingBundle {
    /// Its number.
    pub id: i64,
    /// Its version.
    pub version: String,
    /// Its content address.
    pub digest: String,
    /// `active`, `canary` or `shadow`.
    pub state: State,
    /// Its share of traffic in percent.
    pub canary_pct: i16,
    /// When it entered the stage it is in.
    pub stage_started_at: Option<Timestamp>,
    /// When it entered service.
    pub activated_at: Option<Timestamp>,
    /// Who put it there.
    pub activated_by: Option<String>,
}

/// One signature under the release of a pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseSignature {
    /// Who signed.
    pub by: String,
    /// As what.
    pub role: String,
    /// When.
    pub at: Timestamp,
    /// What was put right.
    pub remediation: String,
}

/// A safety pause in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    /// Why.
    pub reason: String,
    /// The ticket it is tracked in.
    pub ticket: Option<String>,
    /// Who paused.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// Who has agreed to end it.
    pub release_signatures: Vec<ReleaseSignature>,
}

/// The answer of `GET /policy/system`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// Whether evaluation is on.
    pub enabled: bool,
    /// What is answered while it is off.
    pub bypass_effect: Effect,
    /// Whether a safety pause is in force.
    pub paused: bool,
    /// The pause.
    pub pause: Option<Pause>,
    /// The bundle at 100 %.
    pub stable: Option<ServingBundle>,
    /// The bundle beside it: canary or shadow.
    pub canary: Option<ServingBundle>,
}
