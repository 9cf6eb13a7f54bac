//! The permission table.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Role;

/// Something a role may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Read everything, use the playground.
    Read,
    /// Edit drafts, import, export.
    EditDrafts,
    /// Build a packet: submit for review.
    BuildPackets,
    /// Approve, reject or ask for changes.
    ActOnPackets,
    /// Apply, promote, drill.
    Apply,
    /// Roll back.
    RollBack,
    /// Engage a safety pause; sign its release.
    Pause,
    /// Open and acknowledge incidents, write post-mortems.
    HandleIncidents,
    /// Switch evaluation off and on.
    DisableEvaluation,
    /// Manage users, tokens, settings and keys.
    Administer,
    /// Ask for decisions, report outcomes.
    Evaluate,
}

impl Permission {
    /// All permissions, in the order of the table.
    pub const ALL: [Self; 11] = [
        Self::Read,
        Self::EditDrafts,
        Self::BuildPackets,
        Self::ActOnPackets,
        Self::Apply,
        Self::RollBack,
        Self::Pause,
        Self::HandleIncidents,
        Self::DisableEvaluation,
        Self::Administer,
        Self::Evaluate,
    ];

    /// The name used in JSON and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::EditDrafts => "edit_drafts",
            Self::BuildPackets => "build_packets",
            Self::ActOnPackets => "act_on_packets",
            Self::Apply => "apply",
            Self::RollBack => "roll_back",
            Self::Pause => "pause",
            Self::HandleIncidents => "handle_incidents",
            Self::DisableEvaluation => "disable_evaluation",
            Self::Administer => "administer",
            Self::Evaluate => "evaluate",
        }
    }

    /// What it lets one do, for people.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Read => "read everything and use the playground",
            Self::EditDrafts => "edit drafts, import and export",
            Self::BuildPackets => "submit for review",
            Self::ActOnPackets => "act on review packets",
            Self::Apply => "apply, promote and drill",
            Self::RollBack => "roll back",
            Self::Pause => "engage a safety pause and sign its release",
            Self::HandleIncidents => "open, acknowledge and write up incidents",
            Self::DisableEvaluation => "disable and enable evaluation",
            Self::Administer => "manage users, tokens, settings and keys",
            Self::Evaluate => "ask for decisions and report outcomes",
        }
    }

    /// The roles that have it. This is the whole table.
    pub const fn roles(self) -> &'static [Role] {
        use Role::{Admin, Approver, Author, RevenueOps, RuntimeOwner, SafetyOwner, Service, Viewer};
        match self {
            Self::Read => &[Author, RevenueOps, Approver, RuntimeOwner, SafetyOwner, Admin, Viewer],
            Self::EditDrafts | Self::BuildPackets => &[Author, RevenueOps, RuntimeOwner],
            Self::ActOnPackets => &[RevenueOps, Approver, RuntimeOwner, SafetyOwner],
            Self::Apply => &[RuntimeOwner],
            Self::RollBack | Self::Pause => &[RuntimeOwner, SafetyOwner],
            Self::HandleIncidents => &[Author, RevenueOps, Approver, RuntimeOwner, SafetyOwner],
            Self::DisableEvaluation | Self::Administer => &[Admin],
            Self::Evaluate => &[Service],
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
