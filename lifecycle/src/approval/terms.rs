//! What a request for approval is about: the part of it that decisions sign.

use policy::{
    Timestamp,
    bundle::{Digest, Risk},
};
use serde::{Deserialize, Serialize};

use crate::signing::{Envelope, Purpose, SignatureError};

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
