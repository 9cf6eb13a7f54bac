//! The workspace's settings.

pub use lifecycle::settings::Settings;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    problem::Problem,
    signing::KeyNames,
};
use policy::{
    Fault,
    bundle::{Invariant, invariant},
};
use serde_json::{Map, Value, json};
use sqlx::{PgExecutor, types::Json};

use crate::{Error, Result, Store, json, work::Work};

/// The settings in force.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn get(store: &Store, actor: &Actor) -> Result<Settings> {
    authorize(actor, Permission::Read)?;
    load(store.pool()).await
}

/// What the signing keys are called.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub fn keys(store: &Store, actor: &Actor) -> Result<KeyNames> {
    authorize(actor, Permission::Read)?;
    Ok(store.keys().names())
}

/// Replaces the settings.
///
/// # Errors
/// As [`change`].
pub async fn update(store: &Store, actor: &Actor, settings: Settings) -> Result<Settings> {
    change(store, actor, |current| *current = settings).await
}

/// Changes the settings as they are when it is this caller's turn: of two people who change something each, neither
/// undoes what the other did.
///
/// # Errors
/// Denied without [`Permission::Administer`]; a value outside its range.
pub async fn change(store: &Store, actor: &Actor, change: impl FnOnce(&mut Settings)) -> Result<Settings> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    wait_for_turn(&mut work).await?;
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

/// Nobody else changes the settings until the end of this transaction; reading them goes on.
async fn wait_for_turn(work: &mut Work) -> Result<()> {
    sqlx::query("lock table settings in share row exclusive mode").execute(work.db()).await?;
    Ok(())
}

/// What must hold of every bundle of the workspace. It lies beside the other settings, so that replacing those never
/// drops a protection.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn invariants(store: &Store, actor: &Actor) -> Result<Vec<Invariant>> {
    authorize(actor, Permission::Read)?;
    load_invariants(store.pool()).await
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

/// Changes the invariants as they are when it is this caller's turn, so that none is lost that somebody else adds.
///
/// # Errors
/// Denied without [`Permission::Administer`]; what `change` refuses; one that cannot be read, with pointers into the list.
pub async fn change_invariants(
    store: &Store,
    actor: &Actor,
    change: impl FnOnce(&mut Vec<Invariant>) -> Result<(), Problem>,
) -> Result<Vec<Invariant>> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    wait_for_turn(&mut work).await?;
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

/// The key the invariants lie under.
const INVARIANTS: &str = "invariants";

/// The invariants, for use cases that need them.
pub(crate) async fn load_invariants(db: impl PgExecutor<'_>) -> Result<Vec<Invariant>> {
    let found: Option<Json<Value>> =
        sqlx::query_scalar("select value from settings where key = $1").bind(INVARIANTS).fetch_optional(db).await?;
    found.map_or_else(
        || Ok(Vec::new()),
        |value| serde_json::from_value(value.0).map_err(|error| Error::damaged(format!("invariants: {error}"))),
    )
}

async fn put(work: &mut Work, key: &str, value: &Value) -> Result<()> {
    let by = work.actor().name.clone();
    sqlx::query(
        "insert into settings (key, value, updated_at, updated_by) values ($1, $2::json, now(), $3)
         on conflict (key) do update set value = excluded.value, updated_at = now(), updated_by = excluded.updated_by",
    )
    .bind(key)
    .bind(json::text(value)?)
    .bind(by)
    .execute(work.db())
    .await?;
    Ok(())
}

/// The settings, for use cases that need them.
pub(crate) async fn load(db: impl PgExecutor<'_>) -> Result<Settings> {
    let rows: Vec<(String, Json<Value>)> = sqlx::query_as("select key, value from settings").fetch_all(db).await?;
    let groups: Map<String, Value> = rows.into_iter().map(|(key, value)| (key, value.0)).collect();
    serde_json::from_value(Value::Object(groups)).map_err(|error| Error::damaged(format!("settings: {error}")))
}

fn check(settings: &Settings) -> Result<()> {
    let rate = |value: f64| (0.0..=1.0).contains(&value);
    // JSON has no infinity: what cannot be written could not be read again.
    let at_least = |least: f64, value: f64| value.is_finite() && value >= least;
    let gates = &settings.gates;
    let (watch, review) = (&settings.watch, &settings.review);
    let checks = [
        (rate(gates.max_error_rate), "/gates/max_error_rate", "a rate is 0 to 1"),
        (rate(gates.max_deny_rate), "/gates/max_deny_rate", "a rate is 0 to 1"),
        (at_least(0.0, gates.max_cost_increase), "/gates/max_cost_increase", "an increase is 0 or more"),
        (gates.min_stage_seconds <= 366 * 86_400, "/gates/min_stage_seconds", "a stage lasts at most a year"),
        (rate(watch.max_error_rate), "/watch/max_error_rate", "a rate is 0 to 1"),
        (rate(watch.max_deny_rate), "/watch/max_deny_rate", "a rate is 0 to 1"),
        (rate(watch.max_no_match_rate), "/watch/max_no_match_rate", "a rate is 0 to 1"),
        (at_least(0.0, watch.max_cost_increase), "/watch/max_cost_increase", "an increase is 0 or more"),
        (at_least(1.0, watch.error_rate_factor), "/watch/error_rate_factor", "a factor is 1 or more"),
        (review.approvals >= 1, "/review/approvals", "at least one approval is needed"),
        (
            review.approvals_high_risk >= review.approvals,
            "/review/approvals_high_risk",
            "high risk needs no fewer approvals",
        ),
        ((1..=24 * 366).contains(&review.approval_hours), "/review/approval_hours", "approvals last 1 hour to a year"),
        (review.high_risk_bps <= 10_000, "/review/high_risk_bps", "risk is 0 to 10000 basis points"),
        (review.guardrails.margin_delta_bps <= 0, "/review/guardrails/margin_delta_bps", "a loss is 0 or less"),
        (review.guardrails.success_delta_bps <= 0, "/review/guardrails/success_delta_bps", "a loss is 0 or less"),
        (
            review.guardrails.approval_load_delta_bps >= 0,
            "/review/guardrails/approval_load_delta_bps",
            "a limit is 0 or more",
        ),
        (
            review.guardrails.hard_violation_delta >= 0,
            "/review/guardrails/hard_violation_delta",
            "a limit is 0 or more",
        ),
        (at_least(0.0, settings.simulation.cost), "/simulation/cost", "a limit is 0 or more"),
        (at_least(0.0, settings.simulation.compute), "/simulation/compute", "a limit is 0 or more"),
        ((1..=100_000).contains(&settings.corpus.0), "/corpus", "a corpus holds 1 to 100000 decisions"),
    ];
    match checks.into_iter().find(|(fine, _, _)| !fine) {
        Some((_, pointer, detail)) => Err(Problem::invalid_field(pointer, detail).into()),
        None => Ok(()),
    }
}
