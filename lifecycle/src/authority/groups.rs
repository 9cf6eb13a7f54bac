//! Roles by groups at the sign-in provider: the group table, and what becomes of a person's roles.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Roles;

/// The group table: the roles that members of each group have.
pub type GroupTable = BTreeMap<String, Roles>;

/// One row of the group table, as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRoles {
    /// The name of the group, as the provider spells it.
    pub group: String,
    /// The roles of its members.
    pub roles: Roles,
}

/// A person's roles, and which of them come from groups. The others were given here; groups neither give nor take those.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RolesByGroups {
    /// All roles of the person.
    pub held: Roles,
    /// The roles that groups gave.
    pub given: Roles,
}

/// The roles that the members of `groups` have.
pub fn roles_of(table: &GroupTable, groups: &BTreeSet<String>) -> Roles {
    groups.iter().filter_map(|group| table.get(group)).flatten().copied().collect()
}

impl RolesByGroups {
    /// The roles once the person's groups give `wanted`: what groups gave before and no longer give goes.
    #[must_use]
    pub fn follow(&self, wanted: &Roles) -> Self {
        let own: Roles = self.held.difference(&self.given).copied().collect();
        Self { held: own.union(wanted).copied().collect(), given: wanted.difference(&own).copied().collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};

    use super::*;
    use crate::authority::Role;

    fn roles() -> impl Strategy<Value = Roles> {
        subsequence(Role::ALL, 0..=Role::ALL.len()).prop_map(|roles| roles.into_iter().collect())
    }

    #[test]
    fn members_have_the_roles_of_all_their_groups() {
        let table: GroupTable = [
            ("authors".to_owned(), [Role::Author].into()),
            ("leads".to_owned(), [Role::Approver, Role::Author].into()),
        ]
        .into();
        let of = |groups: &[&str]| roles_of(&table, &groups.iter().map(|group| (*group).to_owned()).collect());
        assert_eq!(of(&["authors", "leads", "strangers"]), [Role::Author, Role::Approver].into());
        assert!(of(&["Authors", "", "leads "]).is_empty(), "groups are compared as they are spelled");
    }

    proptest! {
        #[test]
        fn groups_take_what_they_gave_and_nothing_else(own in roles(), steps in prop::collection::vec(roles(), 1..5)) {
            let mut person = RolesByGroups { held: own.clone(), given: Roles::new() };
            for wanted in &steps {
                person = person.follow(wanted);
                prop_assert_eq!(&person.held, &own.union(wanted).copied().collect::<Roles>());
                prop_assert!(person.given.is_subset(&person.held));
                prop_assert!(person.given.is_disjoint(&own));
            }
            prop_assert_eq!(person.follow(&Roles::new()), RolesByGroups { held: own, given: Roles::new() });
        }
    }
}
