//! The roles. A person may hold several.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strum::VariantArray;

/// One role.
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
    strum::EnumString,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// Writes policy.
    Author,
    /// Writes and reviews policy for the business.
    RevenueOps,
    /// Signs packets off.
    Approver,
    /// Puts policy into service and takes policy out of service.
    RuntimeOwner,
    /// Rolls back and pauses.
    SafetyOwner,
    /// Manages people, tokens, settings and keys.
    Admin,
    /// Reads everything.
    Viewer,
    /// A program that requests decisions.
    Service,
}

/// A set of roles.
pub type Roles = BTreeSet<Role>;

impl Role {
    /// All roles, in the order of the permission table.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name used in JSON, SQL and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The role called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}
