//! Approvals at run time: agents ask, people decide, approvals are used.

mod act;
mod ask;
mod expire;
mod groups;
mod queries;
mod row;
mod spend;
mod withdraw;

pub use act::{Decision, act};
pub use ask::{HeldCall, ask, ask_for_decision};
pub use expire::expire;
pub use groups::{Group, Similar, groups, similar};
pub use queries::{Filter, get, list, request_of, version};
pub(crate) use queries::{WAITS, deciding_roles};
pub use spend::{Spend, Spent, spend};
pub use withdraw::{cancel, revoke};

/// The kind of subject in the audit record.
const SUBJECT: &str = "approval";
