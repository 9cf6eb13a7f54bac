//! What is worked out about a draft beside its page, so that typing never waits for it.
//!
//! ```text
//! message    what the page asks, and what it is told
//! document   the draft, followed by the rules that changed
//! check      findings, text diff, version
//! session    the state, and what is due next; a step at a time, so that newer edits supersede
//! entry      the same in a web worker   (feature `entry`: the module of its own)
//! ```
//!
//! Where a browser has no workers, the page drives a [`Session`] itself, in slices between frames.

pub mod check;
pub mod document;
#[cfg(feature = "entry")]
mod entry;
pub mod protocol;
pub mod session;

pub use check::Checked;
pub use document::Change;
pub use protocol::{Curved, Event, Replayed, Request, Tested};
pub use session::Session;
