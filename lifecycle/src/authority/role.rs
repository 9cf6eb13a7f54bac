//! What a person is trusted with. A person may hold several roles.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

/// One role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Writes policy.
    Author,
    /// Writes and reviews policy for the business.
    RevenueOps,
    /// Signs packets off.
    Approver,
    /// Puts policy into service and takes it out.
    RuntimeOwner,
    /// Stops things.
    SafetyOwner,
    /// Manages people, tokens, settings and keys.
    Admin,
    /// Reads.
    Viewer,
    /// A program that asks for decisions.
    Service,
}

/// A set of roles.
pub type Roles = BTreeSet<Role>;

impl Role {
    /// All roles, in the order of the permission table.
    pub const ALL: [Self; 8] = [
        Self::Author,
        Self::RevenueOps,
        Self::Approver,
        Self::RuntimeOwner,
        Self::SafetyOwner,
        Self::Admin,
        Self::Viewer,
        Self::Service,
    ];

    /// The name used in JSON, SQL and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::RevenueOps => "revenue_ops",
            Self::Approver => "approver",
            Self::RuntimeOwner => "runtime_owner",
            Self::SafetyOwner => "safety_owner",
            Self::Admin => "admin",
            Self::Viewer => "viewer",
            Self::Service => "service",
        }
    }

    /// The role called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
