//! What is live: the two arms, the safety pause and the emergency switch.

pub mod pause;
pub mod trigger;

use policy::{Timestamp, bundle::Effect};
use serde::{Deserialize, Serialize};

use crate::bundle::State;

pub use pause::{Pause, ReleaseRecord, ReleaseRefused, ReleaseSignature, TICKET_TAG};
pub use trigger::{Reading, TriggerMetric};

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

/// Evaluation is switched off: an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Why.
    pub reason: String,
    /// Who switched it off.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
}

/// The answer of `GET /policy/system`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// Whether evaluation is on.
    pub enabled: bool,
    /// What is answered while it is off.
    pub bypass_effect: Effect,
    /// Why evaluation is off, while it is.
    #[serde(default)]
    pub disabled: Option<Disabled>,
    /// Whether a safety pause is in force.
    pub paused: bool,
    /// The pause.
    pub pause: Option<Pause>,
    /// The bundle at 100 %.
    pub stable: Option<ServingBundle>,
    /// The bundle beside it: canary or shadow.
    pub canary: Option<ServingBundle>,
}

/// What a change of the pause or the switch answers: the state after it, and in a sentence what happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// The state after it.
    #[serde(flatten)]
    pub system: System,
    /// In a sentence.
    pub message: String,
}
