//! Changing the settings and the invariants. What weakens no safeguard is in force at once; the rest is proposed to the
//! safety owners.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Role, authorize},
    problem::Problem,
    settings::{Change, ChangedSettings, Passwords, Proposal, Settings, safeguards},
};
use policy::{
    Fault,
    bundle::{Invariant, invariant},
};
use serde_json::json;

use super::{
    limits::check,
    proposals::propose,
    row::{INVARIANTS, load, load_invariants, lock_against_changes, put, put_groups},
};
use crate::{Error, Result, Store, work::Work};

/// The result of changing the invariants.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedInvariants {
    /// The invariants in force.
    pub invariants: Vec<Invariant>,
    /// The changes that are in force at once.
    pub applied: Vec<Change>,
    /// The proposal for what is removed or says less.
    pub proposal: Option<Proposal>,
}

/// Replaces the settings.
///
/// # Errors
/// As [`change`].
pub async fn update(store: &Store, actor: &Actor, settings: Settings) -> Result<ChangedSettings> {
    change(store, actor, |current| *current = settings).await
}

/// Changes the settings in force, as far as that weakens no safeguard; what does is proposed. Changes wait for each other,
/// so that two people who change different settings at the same time do not undo each other's changes.
///
/// # Errors
/// Denied without [`Permission::Administer`]; a value outside its range.
pub async fn change(store: &Store, actor: &Actor, change: impl FnOnce(&mut Settings)) -> Result<ChangedSettings> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    lock_against_changes(&mut work).await?;
    let before = load(work.db()).await?;
    let mut wanted = before;
    change(&mut wanted);
    check(&wanted)?;
    check_break_glass(&mut work, &before, &wanted).await?;
    let split = safeguards::split(&before, &wanted).map_err(Error::damaged)?;
    check(&split.now)?;
    put_groups(&mut work, &before, &split.now).await?;
    if !split.applied.is_empty() || split.weaker.is_empty() {
        let detail = json!({"before": before, "after": split.now});
        work.note(EventType::SettingsChanged, "settings", "workspace", "the settings were changed", detail);
    }
    let proposal = propose(&mut work, &split.weaker).await?;
    work.commit().await?;
    Ok(ChangedSettings { settings: split.now, applied: split.applied, proposal })
}

/// The emergency password belongs to an administrator who has one.
async fn check_break_glass(work: &mut Work, before: &Settings, wanted: &Settings) -> Result<()> {
    let (before, wanted) = (before.sign_in, wanted.sign_in);
    // One who lost the role must not keep others from switching passwords on again.
    let switched_off = wanted.passwords == Passwords::BreakGlass && before.passwords == Passwords::Everyone;
    let matters = before.break_glass != wanted.break_glass || switched_off;
    let Some(person) = wanted.break_glass.filter(|_| matters) else { return Ok(()) };
    let fits: bool = sqlx::query_scalar(
        "select exists (select from people
             where id = $1 and enabled and password_hash is not null and $2 = any(roles))",
    )
    .bind(person)
    .bind(Role::Admin.name())
    .fetch_one(work.db())
    .await?;
    if fits {
        return Ok(());
    }
    let detail = format!("person {person} is not an enabled administrator who has a password");
    Err(Problem::invalid_field("/sign_in/break_glass", detail).into())
}

/// Replaces the invariants.
///
/// # Errors
/// As [`change_invariants`].
pub async fn set_invariants(store: &Store, actor: &Actor, wanted: Vec<Invariant>) -> Result<ChangedInvariants> {
    change_invariants(store, actor, |all| {
        *all = wanted;
        Ok(())
    })
    .await
}

/// Changes the invariants in force, as far as none is removed or says less; such changes are proposed. Changes wait for
/// each other, so that an invariant added at the same time is not lost.
///
/// # Errors
/// Denied without [`Permission::Administer`]; what `change` refuses; an invariant that cannot be read, with pointers
/// into the list.
pub async fn change_invariants(
    store: &Store,
    actor: &Actor,
    change: impl FnOnce(&mut Vec<Invariant>) -> Result<(), Problem>,
) -> Result<ChangedInvariants> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    lock_against_changes(&mut work).await?;
    let before = load_invariants(work.db()).await?;
    let mut wanted = before.clone();
    change(&mut wanted)?;
    if let Err(faults) = invariant::check(&wanted) {
        let faults = faults.into_iter().map(|fault| Fault::new(format!("/invariants{}", fault.pointer), fault.detail));
        return Err(Problem::invalid_fields(faults.collect()).into());
    }
    let split = safeguards::split_invariants(&before, &wanted);
    if let Err(faults) = invariant::check(&split.now) {
        // The list is full when what goes has to stay until a safety owner agrees.
        let detail = faults.into_iter().next().map(|fault| fault.detail).unwrap_or_default();
        return Err(Problem::invalid_field("/invariants", detail).into());
    }
    if split.now != before {
        put(&mut work, INVARIANTS, &json!(split.now)).await?;
        let detail = json!({"invariants_before": before, "invariants_after": split.now});
        work.note(EventType::SettingsChanged, "settings", INVARIANTS, "the invariants were changed", detail);
    }
    let proposal = propose(&mut work, &split.weaker).await?;
    work.commit().await?;
    Ok(ChangedInvariants { invariants: split.now, applied: split.applied, proposal })
}
