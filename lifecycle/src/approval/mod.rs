//! Approvals at run time: where an answer `needs_approval` ends. An agent asks, people decide, and what they approved is
//! carried out once, as it was asked, or within the scope that they chose.
//!
//! | module | what is in it |
//! |---|---|
//! | [`terms`] | what a request is about: the part of it that is signed |
//! | [`request`] | a request as people and programs see it |
//! | [`call`] | the call that an approval is bound to, and what differs in another call |
//! | [`action`] | a person's signed decision |
//! | [`decision`] | who may decide, and what the decisions add up to |
//! | [`scope`] | how much an approval covers |
//! | [`grant`] | whether an approval allows a call now |
//! | [`as_rule`] | a rule made of a call that people approved |
//! | [`settings`] | the defaults of rules that say nothing |

pub mod action;
pub mod as_rule;
pub mod call;
pub mod decision;
pub mod grant;
#[cfg(test)]
mod interleavings;
pub mod request;
pub mod scope;
pub mod settings;
pub mod terms;

pub use action::{Action, Verdict};
pub use as_rule::{NoRule, as_rule};
pub use call::{Call, Difference};
pub use decision::{Outcome, may_decide, outcome};
pub use grant::{NotAllowed, Spendable, check as check_grant};
pub use request::Request;
pub use scope::{Scope, ScopeKind};
pub use settings::ApprovalSettings;
pub use terms::{Status, Terms};
