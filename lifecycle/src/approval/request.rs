//! A request for approval.

use policy::{
    Timestamp,
    bundle::{Budget, Digest, Risk},
    replay::OutcomeStatus,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Action, Scope};
use crate::{
    decision::BundleRef,
    signing::{Envelope, Purpose, SignatureError},
};

/// Where a request stands. The three endings without an approval are never mixed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// It waits for people.
    Pending,
    /// Enough people approved.
    Approved,
    /// A person denied it.
    Denied,
    /// Its time ran out without an answer.
    Expired,
    /// Its asker took it back.
    Cancelled,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Approved, Self::Denied, Self::Expired, Self::Cancelled];

    /// The name used in JSON, SQL and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What an approval covers, and who may give it. Every decision about the request signs the digest of this: a request that
/// was changed in the database afterwards has no approvals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// `apr_` and 32 hex digits.
    pub id: String,
    /// The number of the token that asked.
    pub asked_by: i64,
    /// The agent that wants to act.
    pub agent: String,
    /// What the agent wants to do.
    pub action: String,
    /// The subject that the asker named, if it named one.
    pub subject: Option<String>,
    /// The person for whom the agent acts, who never decides about it.
    pub on_behalf_of: Option<String>,
    /// The session of the agent, for approvals that last as long as one.
    pub session: Option<String>,
    /// HMAC-SHA256 over the canonical context, without the members that the rule leaves unbound, in hex.
    pub context_digest: String,
    /// Name of the key of `context_digest`.
    pub context_key: String,
    /// The members of the context that an approval is not bound to.
    pub unbound: Vec<String>,
    /// The rule that holds the call.
    pub rule: String,
    /// The digest of that rule, without what is only for people.
    pub rule_digest: String,
    /// Whether the rule is a guardrail: then every call is approved by itself.
    pub guardrail: bool,
    /// The risk that the rule states.
    pub risk: Option<Risk>,
    /// The decision that was answered `needs_approval`.
    pub decision_id: String,
    /// When the request was made.
    pub requested_at: Timestamp,
    /// Until when people may decide.
    pub expires_at: Timestamp,
    /// Seconds for which an approval can be used once it is given.
    pub usable_for: u32,
    /// Who may decide: names of roles and addresses of people.
    pub approvers: Vec<String>,
    /// How many people have to approve.
    pub quorum: u8,
    /// Name of the key that signed when the agent asked.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above: what people decide about is what was asked.
    pub signature: String,
}

impl Envelope for Terms {
    const PURPOSE: Purpose = Purpose::Grant;

    fn made_at(&self) -> Timestamp {
        self.requested_at
    }

    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}

impl Terms {
    /// The digest that decisions sign.
    ///
    /// # Errors
    /// None in practice, because terms always have a canonical form.
    pub fn digest(&self) -> Result<String, SignatureError> {
        let value = serde_json::to_value(self).map_err(|_| SignatureError::Malformed("request"))?;
        Ok(Digest::of(&value).to_string())
    }
}

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
