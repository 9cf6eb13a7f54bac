//! New roles of a person that wait for a safety owner.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Actor, Permission, Person, Roles, Via, same_person};

/// Roles that one person proposed for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleProposal {
    /// The id, given by the database.
    pub id: i64,
    /// The id of the person who would get the roles.
    pub person_id: i64,
    /// The person's email.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// The roles to be added.
    pub roles: Roles,
    /// Who proposed them.
    pub proposed_by: String,
    /// When they were proposed.
    pub proposed_at: Timestamp,
}

/// Why a proposal may not be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MayNotAccept {
    /// The proposer.
    #[error("you proposed these roles, so another safety owner has to accept them")]
    Proposer,
    /// The person who would get the roles.
    #[error("these roles would be yours, so another safety owner has to accept them")]
    Receiver,
}

impl RoleProposal {
    /// Whether `name` may accept the proposal: neither the proposer nor the receiver may.
    ///
    /// # Errors
    /// [`MayNotAccept`] gives the reason.
    pub fn may_accept(&self, name: &str) -> Result<(), MayNotAccept> {
        if same_person(name, &self.email) {
            return Err(MayNotAccept::Receiver);
        }
        if same_person(name, &self.proposed_by) {
            return Err(MayNotAccept::Proposer);
        }
        Ok(())
    }

    /// Whether `actor` may reject the proposal: a safety owner, or the proposer, who withdraws it.
    pub fn may_reject(&self, actor: &Actor) -> bool {
        actor.may(Permission::Countersign) || same_person(&actor.name, &self.proposed_by)
    }
}

/// The part of a change of roles that takes effect at once, and the part that waits for a safety owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChange {
    /// The person's roles from now on.
    pub now: Roles,
    /// The roles that are proposed.
    pub proposed: Roles,
}

impl RoleChange {
    /// The change of `person`'s roles to `wanted` by `actor`. Taking roles away and giving harmless ones needs nobody
    /// else. The command line of the host and the jobs may do everything: people who work there can change the database.
    pub fn new(actor: &Actor, person: &Person, wanted: &Roles, countersigned: bool) -> Self {
        let direct = !countersigned || matches!(actor.via, Via::Cli | Via::Job);
        let proposed: Roles =
            wanted.difference(&person.roles).copied().filter(|role| !direct && role.needs_countersignature()).collect();
        Self { now: wanted.difference(&proposed).copied().collect(), proposed }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};

    use super::*;
    use crate::authority::Role;

    fn person(roles: Roles) -> Person {
        Person {
            id: 1,
            email: "ann@x".into(),
            name: "Ann".into(),
            roles,
            enabled: true,
            has_password: true,
            linked: false,
            signs_from: None,
        }
    }

    fn roles() -> impl Strategy<Value = Roles> {
        subsequence(Role::ALL, 0..=Role::ALL.len()).prop_map(|roles| roles.into_iter().collect())
    }

    #[test]
    fn neither_the_proposer_nor_the_receiver_accepts() {
        let proposal = RoleProposal {
            id: 1,
            person_id: 1,
            email: "ann@x".into(),
            name: "Ann".into(),
            roles: [Role::Approver].into(),
            proposed_by: "all@x".into(),
            proposed_at: Timestamp::EPOCH,
        };
        assert_eq!(proposal.may_accept(" ANN@x"), Err(MayNotAccept::Receiver));
        assert_eq!(proposal.may_accept("All@X"), Err(MayNotAccept::Proposer));
        assert_eq!(proposal.may_accept("sue@x"), Ok(()));
        let admin = |name: &str| Actor::new(name, [Role::Admin].into(), Via::Session);
        assert!(proposal.may_reject(&admin("all@x")), "the proposer withdraws it");
        assert!(!proposal.may_reject(&admin("other@x")));
        assert!(proposal.may_reject(&Actor::new("sue@x", [Role::SafetyOwner].into(), Via::Session)));
    }

    proptest! {
        #[test]
        fn power_is_never_given_by_one_person_alone(held in roles(), wanted in roles()) {
            let admin = Actor::new("all@x", [Role::Admin].into(), Via::Session);
            let change = RoleChange::new(&admin, &person(held.clone()), &wanted, true);
            for role in change.now.difference(&held) {
                prop_assert!(!role.needs_countersignature(), "{role}");
            }
            let together: Roles = change.now.union(&change.proposed).copied().collect();
            prop_assert_eq!(&together, &wanted, "nothing is lost");
            prop_assert!(change.now.is_disjoint(&change.proposed));
            let host = Actor { via: Via::Cli, ..admin.clone() };
            prop_assert!(RoleChange::new(&host, &person(held.clone()), &wanted, true).proposed.is_empty());
            prop_assert!(RoleChange::new(&admin, &person(held), &wanted, false).proposed.is_empty());
        }
    }
}
