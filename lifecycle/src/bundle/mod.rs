//! The governance of a bundle: its record, states and provenance. The content of a bundle is in [`policy::bundle`].

pub mod provenance;
pub mod record;
pub mod state;

pub use provenance::Provenance;
pub use record::Record;
pub use state::State;
