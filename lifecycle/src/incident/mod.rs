//! Incidents: something went wrong with a policy and a person has to look.

pub mod draft;
pub mod post_mortem;
pub mod record;
pub mod status;
pub mod step;

pub use draft::{IncidentDraft, RolledBack};
pub use post_mortem::PostMortem;
pub use record::{Incident, TimelineEntry};
pub use status::{Severity, Status};
pub use step::Step;
