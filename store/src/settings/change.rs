//! Changing the settings and the invariants.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    problem::Problem,
    settings::Settings,
};
use policy::{
    Fault,
    bundle::{Invariant, invariant},
};
use serde_json::{Map, Value, json};

use super::{
    limits::check,
    row::{INVARIANTS, load, load_invariants, put},
};
use crate::{Error, Result, Store, work::Work};

/// Replaces the settings.
///
/// # Errors
/// As [`change`].
pub async fn update(store: &Store, actor: &Actor, settings: Settings) -> Result<Settings> {
    change(store, actor, |current| *current = settings).await
}

/// Changes the settings in force. Changes wait for each other, so that two people who change different settings at the
/// same time do not undo each other's changes.
///
/// # Errors
/// Denied without [`Permission::Administer`]; a value outside its range.
pub async fn change(store: &Store, actor: &Actor, change: impl FnOnce(&mut Settings)) -> Result<Settings> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    lock_against_changes(&mut work).await?;
    let before = load(work.db()).await?;
    let mut after = before;
    change(&mut after);
    check(&after)?;
    let (old, new) = (groups(before)?, groups(after)?);
    for (key, value) in new.iter().filter(|(key, value)| old.get(*key) != Some(*value)) {
        put(&mut work, key, value).await?;
    }
    let detail = json!({"before": before, "after": after});
    work.note(EventType::SettingsChanged, "settings", "workspace", "the settings were changed", detail);
    work.commit().await?;
    Ok(after)
}

fn groups(settings: Settings) -> Result<Map<String, Value>> {
    match serde_json::to_value(settings).map_err(Error::damaged)? {
        Value::Object(groups) => Ok(groups),
        _ => Err(Error::Internal("settings are not an object".into())),
    }
}

/// Keeps other transactions from changing the settings until the end of this one; reading is not blocked.
async fn lock_against_changes(work: &mut Work) -> Result<()> {
    sqlx::query("lock table settings in share row exclusive mode").execute(work.db()).await?;
    Ok(())
}

/// Replaces the invariants.
///
/// # Errors
/// As [`change_invariants`].
pub async fn set_invariants(store: &Store, actor: &Actor, wanted: Vec<Invariant>) -> Result<Vec<Invariant>> {
    change_invariants(store, actor, |all| {
        *all = wanted;
        Ok(())
    })
    .await
}

/// Changes the invariants in force. Changes wait for each other, so that an invariant added at the same time is not
/// lost.
///
/// # Errors
/// Denied without [`Permission::Administer`]; what `change` refuses; an invariant that cannot be read, with pointers
/// into the list.
pub async fn change_invariants(
    store: &Store,
    actor: &Actor,
    change: impl FnOnce(&mut Vec<Invariant>) -> Result<(), Problem>,
) -> Result<Vec<Invariant>> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    lock_against_changes(&mut work).await?;
    let before = load_invariants(work.db()).await?;
    let mut after = before.clone();
    change(&mut after)?;
    if let Err(faults) = invariant::check(&after) {
        let faults = faults.into_iter().map(|fault| Fault::new(format!("/invariants{}", fault.pointer), fault.detail));
        return Err(Problem::invalid_fields(faults.collect()).into());
    }
    if before == after {
        return Ok(after);
    }
    put(&mut work, INVARIANTS, &json!(after)).await?;
    let detail = json!({"invariants_before": before, "invariants_after": after});
    work.note(EventType::SettingsChanged, "settings", INVARIANTS, "the invariants were changed", detail);
    work.commit().await?;
    Ok(after)
}
