//! Reading incidents.

use const_format::concatcp;
use lifecycle::{
    Page,
    authority::{Actor, Permission, authorize},
    incident::{Incident, Severity, Status},
};

use super::row::{self, COLUMNS, Row};
use crate::{Result, Store, page};

/// Which incidents to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only incidents with this status.
    pub status: Option<Status>,
    /// Only incidents with this severity.
    pub severity: Option<Severity>,
    /// Only incidents about this bundle.
    pub bundle_id: Option<i64>,
    /// Maximum number of rows to return.
    pub limit: Option<u32>,
    /// The cursor that came with the previous page.
    pub cursor: Option<String>,
}

/// Incidents, newest first.
///
/// # Errors
/// Denied without [`Permission::Read`]; a malformed cursor or limit.
pub async fn list(store: &Store, actor: &Actor, filter: &Filter) -> Result<Page<Incident>> {
    authorize(actor, Permission::Read)?;
    let limit = page::limit(filter.limit)?;
    let rows: Vec<Row> = sqlx::query_as(concatcp!(
        "select ",
        COLUMNS,
        " from incidents i
         where ($1::bigint is null or i.number < $1) and ($2::text is null or i.status = $2)
           and ($3::text is null or i.severity = $3) and ($4::bigint is null or i.bundle_id = $4)
         order by i.number desc limit $5"
    ))
    .bind(page::number(filter.cursor.as_deref())?)
    .bind(filter.status.map(Status::name))
    .bind(filter.severity.map(Severity::name))
    .bind(filter.bundle_id)
    .bind(limit + 1)
    .fetch_all(store.pool())
    .await?;
    page::page(rows, limit, |row| row.number.to_string(), Row::read)
}

/// One incident.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such incident.
pub async fn get(store: &Store, actor: &Actor, id: &str) -> Result<Incident> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    row::by_id(&mut db, id).await
}
