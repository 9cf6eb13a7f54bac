//! Proposals to weaken a safeguard.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Settings, safeguards::Change};
use crate::authority::same_person;

/// The status of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ProposalStatus {
    /// It waits for a safety owner.
    Pending,
    /// A safety owner accepted it.
    Accepted,
    /// A safety owner rejected it.
    Rejected,
    /// A later proposal about the same setting took its place.
    Superseded,
}

impl ProposalStatus {
    /// The name used in JSON and SQL.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A proposal to weaken safeguards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// The id, given by the database.
    pub id: i64,
    /// The changes.
    pub changes: Vec<Change>,
    /// Who has to accept it: always `safety_owner`.
    pub needs: String,
    /// The status.
    pub status: ProposalStatus,
    /// The person who proposed it.
    pub proposed_by: String,
    /// When it was proposed.
    pub proposed_at: Timestamp,
    /// The safety owner who decided; `None` while it waits.
    pub decided_by: Option<String>,
    /// When they decided.
    pub decided_at: Option<Timestamp>,
}

/// Why a person may not decide on a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("you proposed this, so another safety owner has to decide")]
pub struct OwnProposal;

impl Proposal {
    /// Nobody countersigns their own proposal.
    ///
    /// # Errors
    /// [`OwnProposal`]
    pub fn may_decide(&self, actor: &str) -> Result<(), OwnProposal> {
        if same_person(&self.proposed_by, actor) { Err(OwnProposal) } else { Ok(()) }
    }
}

/// The result of changing settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangedSettings {
    /// The settings in force.
    pub settings: Settings,
    /// The changes that are in force at once.
    pub applied: Vec<Change>,
    /// The proposal for what weakens a safeguard.
    pub proposal: Option<Proposal>,
}
