//! The group table: the roles that groups at the sign-in provider give.

use lifecycle::{
    audit::EventType,
    authority::{Actor, GroupRoles, GroupTable, Permission, Role, Roles, authorize},
    problem::Problem,
    settings::{Change, Proposal, groups::split_groups},
};
use policy::Fault;
use serde_json::json;

use super::{
    proposals::propose,
    row::{GROUPS, load_groups, lock_against_changes, put},
};
use crate::{Result, Store, announcements, countersigned::countersigned, names, work::Work};

/// Most groups in the table.
const MAX_GROUPS: usize = 500;
/// Most characters of a group's name.
const MAX_NAME: usize = 256;

/// The result of changing the group table.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedGroups {
    /// The table in force.
    pub groups: Vec<GroupRoles>,
    /// The changes that are in force at once.
    pub applied: Vec<Change>,
    /// The proposal for what gives new powers.
    pub proposal: Option<Proposal>,
}

/// The group table in force, by group.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn groups(store: &Store, actor: &Actor) -> Result<Vec<GroupRoles>> {
    authorize(actor, Permission::Read)?;
    Ok(rows(load_groups(store.pool()).await?))
}

/// Replaces the group table.
///
/// # Errors
/// As [`change_groups`]; a group that is there twice.
pub async fn set_groups(store: &Store, actor: &Actor, wanted: Vec<GroupRoles>) -> Result<ChangedGroups> {
    change_groups(store, actor, |table| {
        // Before the rows are sorted, so that pointers are those of the request.
        check(&wanted)?;
        table.clear();
        for (at, row) in wanted.into_iter().enumerate() {
            if table.insert(row.group, row.roles).is_some() {
                return Err(Problem::invalid_field(format!("/groups/{at}/group"), "this group is in the list twice"));
            }
        }
        Ok(())
    })
    .await
}

/// Changes the group table. Once new powers need a safety owner, a role that signs, stops or administers is proposed
/// for a group; the rest is in force at once. People get and lose roles when the provider is asked about them next.
///
/// # Errors
/// Denied without [`Permission::Administer`]; what `change` refuses; a name that cannot be, a group without a role, and
/// the role of programs, with pointers into the list.
pub async fn change_groups(
    store: &Store,
    actor: &Actor,
    change: impl FnOnce(&mut GroupTable) -> Result<(), Problem>,
) -> Result<ChangedGroups> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    lock_against_changes(&mut work).await?;
    let before = load_groups(work.db()).await?;
    let mut wanted = before.clone();
    change(&mut wanted)?;
    check(&rows(wanted.clone()))?;
    let countersigned = countersigned(&mut work).await?;
    let split = split_groups(&before, &wanted, countersigned);
    announce(&mut work, &before, &split.now).await?;
    if split.now != before {
        put(&mut work, GROUPS, &json!(split.now)).await?;
        let detail = json!({"groups_before": before, "groups_after": split.now});
        work.note(EventType::SettingsChanged, "settings", GROUPS, "the roles of groups were changed", detail);
    }
    let proposal = propose(&mut work, &split.weaker).await?;
    work.commit().await?;
    Ok(ChangedGroups { groups: rows(split.now), applied: split.applied, proposal })
}

/// Announces the roles with power that groups give from now on although nobody countersigned it.
async fn announce(work: &mut Work, before: &GroupTable, now: &GroupTable) -> Result<()> {
    for (group, roles) in now {
        let had = before.get(group);
        let new: Roles = roles
            .iter()
            .filter(|role| role.needs_countersignature() && !had.is_some_and(|had| had.contains(role)))
            .copied()
            .collect();
        if !new.is_empty() {
            let by = work.actor().name.clone();
            let list = names::role_names(&new).join(", ");
            let what = format!("{by} gave the members of the group {group} the role {list}, without a second person");
            announcements::announce(work, None, announcements::Kind::Groups, &what).await?;
        }
    }
    Ok(())
}

fn rows(table: GroupTable) -> Vec<GroupRoles> {
    table.into_iter().map(|(group, roles)| GroupRoles { group, roles }).collect()
}

fn check(rows: &[GroupRoles]) -> Result<(), Problem> {
    if rows.len() > MAX_GROUPS {
        return Err(Problem::invalid_field("/groups", format!("the table has at most {MAX_GROUPS} groups")));
    }
    let mut faults = Vec::new();
    for (at, GroupRoles { group, roles }) in rows.iter().enumerate() {
        let mut fault =
            |member: &str, detail: String| faults.push(Fault::new(format!("/groups/{at}/{member}"), detail));
        let chars = group.chars().count();
        if chars == 0 || chars > MAX_NAME || group.trim() != group || group.chars().any(char::is_control) {
            fault("group", format!("the name of a group has 1 to {MAX_NAME} characters and no blanks around them"));
        }
        if roles.is_empty() {
            fault("roles", format!("`{group}` has no role; leave it out"));
        }
        if roles.contains(&Role::Service) {
            fault("roles", "`service` is a role of programs, not of people".to_owned());
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid_fields(faults)) }
}
