//! A person's signed decision about a request.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Scope, Terms};
use crate::{
    authority::{Actor, Permission, Role},
    signing::{Envelope, KeyRing, Purpose, SignatureError, sign, verify},
};

/// Maximum characters of a reason.
pub const MAX_REASON_CHARS: usize = 2000;

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// The agent may do it.
    Approve,
    /// The agent may not.
    Deny,
}

impl Verdict {
    /// The name used in JSON and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A signed decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The request.
    pub request_id: String,
    /// The digest of its [`Terms`].
    pub request_digest: String,
    /// Who decided.
    pub actor: String,
    /// The token or session that the person came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The person's roles that allow deciding.
    pub roles: Vec<Role>,
    /// The decision.
    pub decision: Verdict,
    /// The reason; required to deny.
    pub reason: Option<String>,
    /// How much an approval covers.
    pub scope: Scope,
    /// When the person decided.
    pub at: Timestamp,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above.
    pub signature: String,
}

/// Why a decision was not recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionRefused {
    /// A denial needs a reason.
    #[error("say why: whoever runs the agent needs a reason to act on")]
    ReasonRequired,
    /// The action could not be signed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl Action {
    /// The signed decision of `actor` about a request. A scope is checked before; of a denial it says nothing.
    ///
    /// # Errors
    /// [`ActionRefused`].
    pub fn record(
        terms: &Terms,
        actor: &Actor,
        (decision, reason, scope): (Verdict, Option<&str>, Scope),
        at: Timestamp,
        keys: &KeyRing,
    ) -> Result<Self, ActionRefused> {
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty()).map(str::to_owned);
        if reason.is_none() && decision == Verdict::Deny {
            return Err(ActionRefused::ReasonRequired);
        }
        let allowed = Permission::DecideApprovals.roles();
        let mut action = Self {
            request_id: terms.id.clone(),
            request_digest: terms.digest()?,
            actor: actor.name.clone(),
            credential: actor.credential(),
            roles: actor.roles.iter().copied().filter(|role| allowed.contains(role)).collect(),
            decision,
            reason,
            scope: if decision == Verdict::Approve { scope } else { Scope::default() },
            at,
            key_id: String::new(),
            signature: String::new(),
        };
        sign(keys, &mut action)?;
        Ok(action)
    }

    /// Whether this stored action is a genuine decision about the request with these terms.
    pub fn is_genuine(&self, terms: &Terms, keys: &KeyRing) -> bool {
        self.request_id == terms.id
            && self.at >= terms.requested_at
            && terms.digest().is_ok_and(|digest| digest == self.request_digest)
            && verify(keys, self).is_ok()
    }
}

impl Envelope for Action {
    const PURPOSE: Purpose = Purpose::Grant;

    fn made_at(&self) -> Timestamp {
        self.at
    }

    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}
