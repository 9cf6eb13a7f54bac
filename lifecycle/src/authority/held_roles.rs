//! Who holds which role now. A signature states the roles of its signer at that time; it counts only while the signer
//! still holds one of them.

use std::collections::BTreeMap;

use super::{Role, Roles, actor::same_name};

/// The people who may sign in, with the roles they hold now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldRoles {
    /// The roles of each person, by the name that [`same_name`] gives.
    people: BTreeMap<String, Roles>,
}

impl HeldRoles {
    /// The standing of these people, who are all enabled.
    pub fn of(people: impl IntoIterator<Item = (String, Roles)>) -> Self {
        let mut all: BTreeMap<String, Roles> = BTreeMap::new();
        for (name, roles) in people {
            all.entry(same_name(&name)).or_default().extend(roles);
        }
        Self { people: all }
    }

    /// Those of the roles `signed` that the person holds now.
    pub fn held(&self, name: &str, signed: &[Role]) -> Vec<Role> {
        let Some(roles) = self.people.get(&same_name(name)) else { return Vec::new() };
        signed.iter().copied().filter(|role| roles.contains(role)).collect()
    }

    /// Every person with their roles, by name.
    pub fn people(&self) -> impl Iterator<Item = (&str, &Roles)> {
        self.people.iter().map(|(name, roles)| (name.as_str(), roles))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_roles_that_were_signed_with_and_are_held_count() {
        let standing = HeldRoles::of([("Sue@Example.com".to_owned(), Roles::from([Role::Approver, Role::Viewer]))]);
        assert_eq!(standing.held(" sue@example.com", &[Role::SafetyOwner, Role::Approver]), [Role::Approver]);
        assert!(standing.held("sue@example.com", &[Role::SafetyOwner]).is_empty());
        assert!(standing.held("nobody@example.com", &[Role::Approver]).is_empty());
    }
}
