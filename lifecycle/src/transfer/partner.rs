//! Public keys of partners: whose exports count here besides those of this workspace. An administrator pastes a key, and a safety
//! owner countersigns it; no key is ever taken from a file, or from an address in one.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    authority::{Actor, Permission, same_person},
    signing::PublicKey,
};

/// What became of a partner's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartnerKeyStatus {
    /// It waits for a safety owner.
    Proposed,
    /// What is signed with it counts.
    Trusted,
    /// It never counted.
    Rejected,
    /// It counts no more.
    Removed,
}

/// A partner's public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerKey {
    /// The id, given by the database.
    pub id: i64,
    /// What people call the partner.
    pub name: String,
    /// The key.
    #[serde(flatten)]
    pub key: PublicKey,
    /// What became of it.
    pub status: PartnerKeyStatus,
    /// Who pasted it.
    pub proposed_by: String,
    /// When it was pasted.
    pub proposed_at: Timestamp,
    /// Who accepted or rejected it.
    pub decided_by: Option<String>,
    /// When it was decided on.
    pub decided_at: Option<Timestamp>,
    /// Who removed it.
    pub removed_by: Option<String>,
    /// When it was removed.
    pub removed_at: Option<Timestamp>,
}

impl PartnerKey {
    /// Whether it waits for a safety owner.
    pub fn is_proposed(&self) -> bool {
        self.status == PartnerKeyStatus::Proposed
    }

    /// Whether `name` may accept the key: its proposer needs a second person.
    pub fn may_accept(&self, name: &str) -> bool {
        !same_person(name, &self.proposed_by)
    }

    /// Whether `actor` may reject the key: a safety owner, or who pasted it.
    pub fn may_reject(&self, actor: &Actor) -> bool {
        actor.may(Permission::Countersign) || same_person(&actor.name, &self.proposed_by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        authority::{Role, Via},
        signing::Key,
    };

    #[test]
    fn who_pastes_a_key_needs_a_second_person() {
        let key = PartnerKey {
            id: 1,
            name: "North".into(),
            key: Key::new("k", "a secret").public(),
            status: PartnerKeyStatus::Proposed,
            proposed_by: "ann@x".into(),
            proposed_at: Timestamp::EPOCH,
            decided_by: None,
            decided_at: None,
            removed_by: None,
            removed_at: None,
        };
        assert!(!key.may_accept("Ann@x") && key.may_accept("sue@x"));
        let actor = |name: &str, role: Role| Actor::new(name, [role].into(), Via::Session);
        assert!(key.may_reject(&actor("ann@x", Role::Admin)) && key.may_reject(&actor("sue@x", Role::SafetyOwner)));
        assert!(!key.may_reject(&actor("bob@x", Role::Admin)));
    }
}
