//! Who signs in how, and the roles that groups at the sign-in provider give.

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use lifecycle::{
    authority::{Permission, authorize},
    problem::Problem,
    settings::{Passwords, SignInSettings},
};

use super::workspace::Saved;
#[cfg(feature = "ssr")]
use super::{people::read_roles, workspace::number};
use crate::error::{AppError, Reply};

/// Sets how people sign in. `break_glass` is the number of an administrator, or empty.
///
/// # Errors
/// `forbidden` without the permission to administer; `invalid_field` for values out of range.
#[server(prefix = "/api", endpoint = "workspace/save-sign-in", output = Reply)]
pub async fn save_sign_in(
    check_minutes: String,
    passwords: String,
    #[server(default)] break_glass: String,
) -> Result<Saved, AppError> {
    let (store, actor) = (crate::context::app_context()?.store, crate::context::actor()?);
    authorize(&actor, Permission::Administer).map_err(store::Error::from)?;
    let who = Passwords::ALL.into_iter().find(|one| one.name() == passwords);
    let sign_in = SignInSettings {
        check_minutes: number("check_minutes", &check_minutes)?,
        passwords: who.ok_or_else(|| {
            Problem::invalid_field("/passwords", format!("`{passwords}` does not say who signs in with a password"))
        })?,
        break_glass: if break_glass.is_empty() { None } else { Some(number("break_glass", &break_glass)?) },
    };
    let changed = store::settings::change(&store, &actor, |settings| settings.sign_in = sign_in).await?;
    Ok(Saved { proposed: changed.proposal.is_some() })
}

/// Gives a group at the sign-in provider these roles and no others.
///
/// # Errors
/// `forbidden` without the permission to administer; `invalid_field` for a name or roles that cannot be.
#[server(prefix = "/api", endpoint = "workspace/set-group", output = Reply)]
pub async fn set_group(group: String, #[server(default)] roles: Vec<String>) -> Result<Saved, AppError> {
    let (store, actor) = (crate::context::app_context()?.store, crate::context::actor()?);
    authorize(&actor, Permission::Administer).map_err(store::Error::from)?;
    let roles = read_roles(&roles)?;
    let changed = store::settings::change_groups(&store, &actor, |table| {
        table.insert(group.trim().to_owned(), roles);
        Ok(())
    })
    .await?;
    Ok(Saved { proposed: changed.proposal.is_some() })
}

/// Takes all roles from a group at the sign-in provider.
///
/// # Errors
/// `forbidden` without the permission to administer; `invalid_field` for a group that is not in the table.
#[server(prefix = "/api", endpoint = "workspace/remove-group", output = Reply)]
pub async fn remove_group(group: String) -> Result<Saved, AppError> {
    let (store, actor) = (crate::context::app_context()?.store, crate::context::actor()?);
    authorize(&actor, Permission::Administer).map_err(store::Error::from)?;
    let changed = store::settings::change_groups(&store, &actor, |table| match table.remove(&group) {
        Some(_) => Ok(()),
        None => Err(Problem::invalid_field("/group", format!("the group `{group}` has no roles here"))),
    })
    .await?;
    Ok(Saved { proposed: changed.proposal.is_some() })
}
