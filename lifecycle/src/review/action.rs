//! What a reviewer does with a packet.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, authority::Role};

/// A reviewer's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Sign off.
    Approve,
    /// Refuse for good.
    Reject,
    /// Send back to the author.
    RequestChanges,
}

impl Verdict {
    /// The name used in JSON, SQL and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::RequestChanges => "request_changes",
        }
    }
}

/// A signed record of a reviewer's decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// `actv1:` + SHA-256 of canonical `{packet_id, actor, decision, reason}`: the same action twice is one action.
    pub idempotency_key: String,
    /// The packet.
    pub packet_id: String,
    /// Who decided.
    pub actor: String,
    /// In which roles.
    pub roles: Vec<Role>,
    /// What.
    pub decision: Verdict,
    /// Why; required to reject or ask for changes.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Until when an approval counts.
    pub expires_at: Timestamp,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above.
    pub signature: String,
}
