//! Who holds which role now. A signature states the roles of its signer at that time; it counts only while the signer
//! still holds one of them, and the account was not handed over after it.

use std::collections::BTreeMap;

use policy::Timestamp;

use super::{Role, Roles, actor::same_name};

/// The people who may sign in, with the roles with which they may sign now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldRoles {
    /// Each person, by the name that [`same_name`] gives.
    people: BTreeMap<String, Holder>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Holder {
    roles: Roles,
    /// Signatures from before this time do not count.
    signatures_from: Option<Timestamp>,
}

impl HeldRoles {
    /// The standing of these people, who are all enabled.
    pub fn of(people: impl IntoIterator<Item = (String, Roles)>) -> Self {
        Self::since(people.into_iter().map(|(name, roles)| (name, roles, None)))
    }

    /// The standing of these people, who are all enabled. With each comes the time from which on their signatures count,
    /// for an account that was handed over.
    pub fn since(people: impl IntoIterator<Item = (String, Roles, Option<Timestamp>)>) -> Self {
        let mut all: BTreeMap<String, Holder> = BTreeMap::new();
        for (name, roles, signatures_from) in people {
            let holder = all.entry(same_name(&name)).or_default();
            holder.roles.extend(roles);
            holder.signatures_from = holder.signatures_from.max(signatures_from);
        }
        Self { people: all }
    }

    /// Those of the roles `signed` that a person who signed at `at` holds now; none if the account was handed over since.
    pub fn held(&self, name: &str, signed: &[Role], at: Timestamp) -> Vec<Role> {
        let Some(holder) = self.people.get(&same_name(name)) else { return Vec::new() };
        if holder.was_handed_over_after(at) {
            return Vec::new();
        }
        signed.iter().copied().filter(|role| holder.roles.contains(role)).collect()
    }

    /// Why a signature that `name` gave at `at` does not count any more, in a clause.
    pub fn why_lapsed(&self, name: &str, at: Timestamp) -> &'static str {
        match self.people.get(&same_name(name)) {
            Some(holder) if holder.was_handed_over_after(at) => "their account was handed over after it",
            _ => "they no longer hold the role they signed with",
        }
    }

    /// Every person with their roles, by name.
    pub fn people(&self) -> impl Iterator<Item = (&str, &Roles)> {
        self.people.iter().map(|(name, holder)| (name.as_str(), &holder.roles))
    }
}

impl Holder {
    fn was_handed_over_after(&self, at: Timestamp) -> bool {
        self.signatures_from.is_some_and(|from| at < from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: Timestamp = Timestamp::EPOCH;

    #[test]
    fn only_roles_that_were_signed_with_and_are_held_count() {
        let standing = HeldRoles::of([("Sue@Example.com".to_owned(), Roles::from([Role::Approver, Role::Viewer]))]);
        assert_eq!(standing.held(" sue@example.com", &[Role::SafetyOwner, Role::Approver], THEN), [Role::Approver]);
        assert!(standing.held("sue@example.com", &[Role::SafetyOwner], THEN).is_empty());
        assert!(standing.held("nobody@example.com", &[Role::Approver], THEN).is_empty());
    }

    #[test]
    fn signatures_from_before_an_account_was_handed_over_do_not_count() {
        let at = Timestamp::from_unix_seconds;
        let sue = ("sue@x".to_owned(), Roles::from([Role::Approver]), Some(at(100)));
        let standing = HeldRoles::since([sue]);
        assert!(standing.held("sue@x", &[Role::Approver], at(99)).is_empty());
        assert!(standing.why_lapsed("Sue@x", at(99)).contains("handed over"));
        assert_eq!(standing.held("sue@x", &[Role::Approver], at(100)), [Role::Approver]);
        assert!(standing.why_lapsed("sue@x", at(100)).contains("no longer hold"));
    }
}
