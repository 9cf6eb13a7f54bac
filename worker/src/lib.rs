//! Analysis of one open draft off the page's main thread, so that typing never waits.
//!
//! ```text
//! document   the worker's copy of the draft, kept up to date rule by rule
//! check      lint findings, text diff, version
//! protocol   the messages: requests from the page, events to the page
//! session    the state of one open draft and the tasks due next, in small steps, so that newer edits supersede older
//! ones
//! entry      a session in a web worker   (feature `entry`: a WebAssembly module of its own)
//! ```
//!
//! In a browser without workers, the same module runs on the page, in turns of a few milliseconds.

pub mod check;
pub mod document;
#[cfg(feature = "entry")]
mod entry;
pub mod protocol;
pub mod session;

pub use check::CheckReport;
pub use document::Change;
pub use protocol::{Event, Question, ReplayResult, Request, Response, SweepResult, TestReport};
pub use session::Session;
