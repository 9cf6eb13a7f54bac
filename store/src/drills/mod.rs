//! Rollback drills: apply, roll back and apply again, with a real packet and the code that serves, in a sandbox that is
//! always undone.

mod candidate;
mod queries;
mod run;
mod sandbox;

pub(crate) use candidate::find as candidate;
pub(crate) use queries::last;
pub use queries::{Filter, get, list};
pub use run::run;
