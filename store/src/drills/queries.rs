//! Reading the reports of drills.

use lifecycle::{
    Page,
    authority::{Actor, Permission, authorize},
    rollout::{DrillReport, drill::LastDrill},
    signing::Checked,
};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};

use crate::{Error, Result, Store, page};

/// Which drills to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Maximum number of rows to return.
    pub limit: Option<u32>,
    /// The cursor that came with the previous page.
    pub cursor: Option<String>,
}

/// Reports, newest first, each with whether its signature verifies.
///
/// # Errors
/// Denied without [`Permission::Read`]; a malformed cursor or limit.
pub async fn list(store: &Store, actor: &Actor, filter: &Filter) -> Result<Page<Checked<DrillReport>>> {
    authorize(actor, Permission::Read)?;
    let limit = page::limit(filter.limit)?;
    let rows: Vec<(i64, Json<Value>)> = sqlx::query_as(
        "select id, report from policy_drills where $1::bigint is null or id < $1 order by id desc limit $2",
    )
    .bind(page::number(filter.cursor.as_deref())?)
    .bind(limit + 1)
    .fetch_all(store.pool())
    .await?;
    page::page(rows, limit, |row| row.0.to_string(), |row| Ok(Checked::new(&store.keys(), read(row)?)))
}

/// One report, with whether its signature verifies.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such drill.
pub async fn get(store: &Store, actor: &Actor, id: i64) -> Result<Checked<DrillReport>> {
    authorize(actor, Permission::Read)?;
    let row: Option<(i64, Json<Value>)> = sqlx::query_as("select id, report from policy_drills where id = $1")
        .bind(id)
        .fetch_optional(store.pool())
        .await?;
    Ok(Checked::new(&store.keys(), read(row.ok_or_else(|| Error::not_found("drill", id))?)?))
}

/// The newest drill; a drill whose signature does not verify has not passed.
pub(crate) async fn last(db: &mut PgConnection, store: &Store) -> Result<Option<LastDrill>> {
    let row: Option<(i64, Json<Value>)> =
        sqlx::query_as("select id, report from policy_drills order by id desc limit 1").fetch_optional(db).await?;
    let Some(report) = row.map(read).transpose()? else { return Ok(None) };
    let last = Checked::new(&store.keys(), report);
    Ok(Some(LastDrill { id: last.record.id, at: last.record.at, passed: last.record.safety_passed && last.verifies() }))
}

fn read((id, report): (i64, Json<Value>)) -> Result<DrillReport> {
    let report: DrillReport =
        serde_json::from_value(report.0).map_err(|error| Error::damaged(format!("drill {id}: {error}")))?;
    Ok(DrillReport { id, ..report })
}
