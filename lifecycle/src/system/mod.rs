//! The live system: the two arms, the safety pause and the emergency switch.

pub mod pause;
pub mod state;
pub mod trigger;

pub use pause::{Pause, ReleaseRecord, ReleaseRefused, ReleaseSignature, TICKET_TAG};
pub use state::{Changed, Disabled, ServingBundle, System};
pub use trigger::{TriggerMetric, TriggerReading};
