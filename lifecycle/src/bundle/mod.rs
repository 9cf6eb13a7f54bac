//! A bundle as it is governed: its record, states and provenance. What is in it is [`policy::bundle`].

pub mod provenance;
pub mod record;
pub mod state;

pub use provenance::Provenance;
pub use record::Record;
pub use state::State;
