//! Settings as rows: one per group, and one for the invariants.

use std::collections::BTreeMap;

use lifecycle::{authority::GroupTable, settings::Settings};
use policy::bundle::Invariant;
use serde_json::{Map, Value};
use sqlx::{PgExecutor, types::Json};

use crate::{Error, Result, json, work::Work};

/// The key of the row that holds the invariants.
pub(super) const INVARIANTS: &str = "invariants";
/// The key of the row that holds the group table. It is stored apart from the other settings, as the invariants are.
pub(super) const GROUPS: &str = "groups";

/// The settings in force.
pub(crate) async fn load(db: impl PgExecutor<'_>) -> Result<Settings> {
    let rows: Vec<(String, Json<Value>)> = sqlx::query_as("select key, value from settings").fetch_all(db).await?;
    let groups: Map<String, Value> = rows.into_iter().map(|(key, value)| (key, value.0)).collect();
    serde_json::from_value(Value::Object(groups)).map_err(|error| Error::damaged(format!("settings: {error}")))
}

/// The invariants in force.
pub(crate) async fn load_invariants(db: impl PgExecutor<'_>) -> Result<Vec<Invariant>> {
    let found: Option<Json<Value>> =
        sqlx::query_scalar("select value from settings where key = $1").bind(INVARIANTS).fetch_optional(db).await?;
    found.map_or_else(
        || Ok(Vec::new()),
        |value| serde_json::from_value(value.0).map_err(|error| Error::damaged(format!("invariants: {error}"))),
    )
}

/// The group table in force.
pub(crate) async fn load_groups(db: impl PgExecutor<'_>) -> Result<GroupTable> {
    let found: Option<Json<Value>> =
        sqlx::query_scalar("select value from settings where key = $1").bind(GROUPS).fetch_optional(db).await?;
    found.map_or_else(
        || Ok(BTreeMap::new()),
        |value| serde_json::from_value(value.0).map_err(|error| Error::damaged(format!("group table: {error}"))),
    )
}

/// Stores one row of the settings.
pub(super) async fn put(work: &mut Work, key: &str, value: &Value) -> Result<()> {
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

/// Stores the groups of the settings that differ.
pub(super) async fn put_groups(work: &mut Work, before: &Settings, after: &Settings) -> Result<()> {
    let (old, new) = (groups(before)?, groups(after)?);
    for (key, value) in new.iter().filter(|(key, value)| old.get(*key) != Some(*value)) {
        put(work, key, value).await?;
    }
    Ok(())
}

fn groups(settings: &Settings) -> Result<Map<String, Value>> {
    match serde_json::to_value(settings).map_err(Error::damaged)? {
        Value::Object(groups) => Ok(groups),
        _ => Err(Error::Internal("settings are not an object".into())),
    }
}

/// Keeps other transactions from changing the settings until the end of this one; reading is not blocked.
pub(super) async fn lock_against_changes(work: &mut Work) -> Result<()> {
    sqlx::query("lock table settings in share row exclusive mode").execute(work.db()).await?;
    Ok(())
}
