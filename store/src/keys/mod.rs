//! Holding and changing the keys that sign the workspace's records.
//!
//! A process that writes checks first that it holds the key that signs now. A new key is announced by the process that
//! brings it, and signs once every running server has it: no server meets a signature that it cannot verify.

mod check;
mod rotation;

pub use check::{check, make_if_empty};
pub use rotation::{Announced, HEARTBEAT, announce, beat, leave, status};
