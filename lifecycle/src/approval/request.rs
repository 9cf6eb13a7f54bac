//! A request for approval, as people and programs see it.

use policy::{Timestamp, bundle::Budget, replay::OutcomeStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Action, Scope, Status, Terms};
use crate::decision::BundleRef;

/// How an approval was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// When.
    pub at: Timestamp,
    /// The decision that was answered `allow`.
    pub decision_id: String,
    /// What was reported about it; `None` while nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeStatus>,
}

/// A request as people and programs see it: `GET /policy/approvals/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What is asked for.
    #[serde(flatten)]
    pub terms: Terms,
    /// Where it stands.
    pub status: Status,
    /// The arguments, as they came.
    pub context: Map<String, Value>,
    /// The reason that the rule gives.
    pub reason: String,
    /// The rule as it was written when the agent asked.
    pub rule_written: Map<String, Value>,
    /// The budget of the rule.
    pub budget: Option<Budget>,
    /// The bundle that held the call.
    pub bundle: Option<BundleRef>,
    /// How often it was asked for while it waited.
    pub times_asked: i64,
    /// The decisions of people, the first one first.
    pub actions: Vec<Action>,
    /// When it ended: was approved, denied, cancelled, or expired.
    pub ended_at: Option<Timestamp>,
    /// Until when the approval can be used.
    pub usable_until: Option<Timestamp>,
    /// How much the approval covers; `once` unless everybody who approved chose the same scope.
    pub scope: Scope,
    /// How often the approval was used.
    pub used: i64,
    /// Its latest use.
    pub last_use: Option<Use>,
    /// Who revoked the scope, and when.
    pub revoked: Option<Revocation>,
}

/// The end of a scope before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Who revoked it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Request {
    /// Whether an approval is in force that was not used up.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.status == Status::Approved
            && self.revoked.is_none()
            && self.usable_until.is_some_and(|until| now < until)
            && self.used < i64::from(self.scope.uses())
    }

    /// How many approvals are still missing.
    pub fn missing(&self) -> usize {
        usize::from(self.terms.quorum).saturating_sub(self.actions.len())
    }
}
