//! The permission table.

use serde::{Deserialize, Serialize};
use strum::VariantArray;

use super::Role;

/// Something a role may allow.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    VariantArray,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Permission {
    /// Read everything, use the playground.
    Read,
    /// Edit drafts, import, export.
    EditDrafts,
    /// Build a packet: submit for review.
    BuildPackets,
    /// Approve, reject or ask for changes.
    ActOnPackets,
    /// Read approval requests; programs read their own.
    ReadApprovals,
    /// Decide about calls that a rule holds for approval.
    DecideApprovals,
    /// Sign an exception to a failed guardrail.
    SignExceptions,
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
    /// Countersign what gives people power or weakens a safeguard.
    Countersign,
    /// Request decisions, ask for approval, report outcomes.
    Evaluate,
}

impl Permission {
    /// All permissions, in the order of the table.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name used in JSON and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// A description of the permission, for people.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Read => "read everything and use the playground",
            Self::EditDrafts => "edit drafts, import and export",
            Self::BuildPackets => "submit for review",
            Self::ActOnPackets => "act on review packets",
            Self::ReadApprovals => "read approval requests",
            Self::DecideApprovals => "decide approval requests",
            Self::SignExceptions => "sign exceptions to failed guardrails",
            Self::Apply => "apply, promote and drill",
            Self::RollBack => "roll back",
            Self::Pause => "engage a safety pause and sign its release",
            Self::HandleIncidents => "open, acknowledge and write up incidents",
            Self::DisableEvaluation => "disable and enable evaluation",
            Self::Administer => "manage users, tokens, settings and keys",
            Self::Countersign => "countersign new powers of people and weaker safeguards",
            Self::Evaluate => "ask for decisions and for approval, and report outcomes",
        }
    }

    /// The roles that have the permission. This is the whole table.
    pub const fn roles(self) -> &'static [Role] {
        use Role::{Admin, Approver, Author, RevenueOps, RuntimeOwner, SafetyOwner, Service, Viewer};
        match self {
            Self::Read => &[Author, RevenueOps, Approver, RuntimeOwner, SafetyOwner, Admin, Viewer],
            Self::ReadApprovals => &[Author, RevenueOps, Approver, RuntimeOwner, SafetyOwner, Admin, Viewer, Service],
            Self::EditDrafts | Self::BuildPackets => &[Author, RevenueOps, RuntimeOwner],
            Self::ActOnPackets | Self::DecideApprovals => &[RevenueOps, Approver, RuntimeOwner, SafetyOwner],
            Self::Apply => &[RuntimeOwner],
            Self::SignExceptions | Self::RollBack | Self::Pause => &[RuntimeOwner, SafetyOwner],
            Self::HandleIncidents => &[Author, RevenueOps, Approver, RuntimeOwner, SafetyOwner],
            Self::DisableEvaluation | Self::Administer => &[Admin],
            Self::Countersign => &[SafetyOwner],
            Self::Evaluate => &[Service],
        }
    }

    /// Whether using the permission leaves the actor's signature on something. People who sign nothing for a while lack
    /// these permissions.
    pub const fn signs(self) -> bool {
        matches!(
            self,
            Self::ActOnPackets
                | Self::DecideApprovals
                | Self::SignExceptions
                | Self::Apply
                | Self::RollBack
                | Self::Pause
                | Self::Countersign
        )
    }
}

impl Role {
    /// Whether the role signs, stops or administers: giving it to a person is a proposal that a safety owner
    /// countersigns, once two people are safety owners.
    pub fn needs_countersignature(self) -> bool {
        let power = |permission: &Permission| permission.signs() || *permission == Permission::Administer;
        Permission::ALL.iter().any(|permission| power(permission) && permission.roles().contains(&self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_that_can_sign_or_administer_is_given_by_two_people() {
        let given_by_two: Vec<Role> = Role::ALL.iter().copied().filter(|role| role.needs_countersignature()).collect();
        use Role::{Admin, Approver, RevenueOps, RuntimeOwner, SafetyOwner};
        assert_eq!(given_by_two, [RevenueOps, Approver, RuntimeOwner, SafetyOwner, Admin]);
    }
}
