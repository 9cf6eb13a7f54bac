//! Changing the group table: what gives new powers to the members of a group waits for a safety owner.

use std::collections::BTreeSet;

use serde_json::json;

use super::safeguards::{Change, GROUPS, Split};
use crate::authority::{GroupTable, Role, Roles};

/// Takes apart the change of the group table from `current` to `wanted`. Once new powers need a safety owner
/// (`countersigned`), a group that would give a role that signs, stops or administers waits for one with that role.
pub fn split_groups(current: &GroupTable, wanted: &GroupTable, countersigned: bool) -> Split<GroupTable> {
    let none = Roles::new();
    let mut now = GroupTable::new();
    let (mut applied, mut weaker) = (Vec::new(), Vec::new());
    let change = |group: &str, from: &Roles, to: &Roles| Change {
        field: format!("{GROUPS}{group}"),
        from: json!(from),
        to: json!(to),
    };
    let names: BTreeSet<&String> = current.keys().chain(wanted.keys()).collect();
    for group in names {
        let (before, after) = (current.get(group).unwrap_or(&none), wanted.get(group).unwrap_or(&none));
        let waits = |role: &&Role| countersigned && role.needs_countersignature() && !before.contains(role);
        let at_once: Roles = after.iter().filter(|role| !waits(role)).copied().collect();
        if at_once != *before {
            applied.push(change(group, before, &at_once));
        }
        if at_once != *after {
            weaker.push(change(group, &at_once, after));
        }
        if !at_once.is_empty() {
            now.insert(group.clone(), at_once);
        }
    }
    Split { now, applied, weaker }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};

    use super::*;
    use crate::settings::{Settings, safeguards::accept};

    fn table() -> impl Strategy<Value = GroupTable> {
        let roles = subsequence(Role::ALL, 1..=Role::ALL.len()).prop_map(|roles| roles.into_iter().collect::<Roles>());
        prop::collection::btree_map("[a-c/~]{1,2}", roles, 0..5)
    }

    proptest! {
        /// No group gives a power before a safety owner agreed, and with the rest accepted the table is what was asked for.
        #[test]
        fn power_waits_and_nothing_is_lost(before in table(), wanted in table(), countersigned in any::<bool>()) {
            let split = split_groups(&before, &wanted, countersigned);
            let powers = |table: &GroupTable| -> BTreeSet<(String, Role)> {
                let each = table.iter().flat_map(|(group, roles)| roles.iter().map(move |role| (group.clone(), *role)));
                each.filter(|(_, role)| role.needs_countersignature()).collect()
            };
            if countersigned {
                prop_assert!(powers(&split.now).is_subset(&powers(&before)), "{:?}", split.now);
            } else {
                prop_assert!(split.weaker.is_empty());
            }
            let accepted = accept(&split.weaker, &Settings::default(), &[], &split.now).unwrap();
            prop_assert_eq!(&accepted.groups, &wanted);
            if let Some(first) = split.weaker.first() {
                let refused = accept(&split.weaker, &Settings::default(), &[], &accepted.groups).unwrap_err();
                prop_assert_eq!(&refused.field, &first.field, "only against the roles that it was proposed for");
            }
        }
    }
}
