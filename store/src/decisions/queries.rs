//! Reading decisions.

use const_format::concatcp;
use futures::TryStreamExt;
use lifecycle::{
    Page,
    authority::{Actor, Permission, authorize},
    decision::Record,
};
use policy::{Timestamp, bundle::Effect, engine::Status};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use time::OffsetDateTime;

use super::row::{Row, SELECT};
use crate::{Error, Result, Store, page, text::storable};

/// Which decisions to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only decisions served by this bundle.
    pub bundle_id: Option<i64>,
    /// Only decisions with this status.
    pub status: Option<Status>,
    /// Only decisions with this effect.
    pub effect: Option<Effect>,
    /// Only decisions for this agent.
    pub agent: Option<String>,
    /// Only decisions about this action.
    pub action: Option<String>,
    /// Only decisions from this time on, inclusive.
    pub since: Option<Timestamp>,
    /// Only decisions until this time, exclusive.
    pub until: Option<Timestamp>,
    /// Maximum number of rows to return.
    pub limit: Option<u32>,
    /// The cursor that came with the previous page.
    pub cursor: Option<String>,
}

/// Decisions, newest first.
///
/// # Errors
/// Denied without [`Permission::Read`]; a malformed cursor or limit.
pub async fn list(store: &Store, actor: &Actor, filter: &Filter) -> Result<Page<Record>> {
    authorize(actor, Permission::Read)?;
    let limit = page::limit(filter.limit)?;
    let rows = select(filter, limit + 1)?.build_query_as::<Row>().fetch_all(store.pool()).await?;
    page::page(rows, limit, |row| page::time_cursor(row.decided_at.into(), row.seq), Row::read)
}

/// The statement for `filter`. It holds only the conditions the filter has, so that each statement finds its index.
fn select(filter: &Filter, limit: i64) -> Result<QueryBuilder<Postgres>> {
    let mut sql = QueryBuilder::new(concatcp!(SELECT, "where true"));
    if let Some(id) = filter.bundle_id {
        sql.push(" and d.bundle_id = ").push_bind(id);
    }
    if let Some(status) = filter.status {
        // Written out, not bound: the partial index is only used when the planner sees that it is not `matched`.
        sql.push(format!(" and d.status = '{}'", status.name()));
    }
    if let Some(effect) = filter.effect {
        sql.push(" and d.effect = ").push_bind(effect.name());
    }
    if let Some(agent) = &filter.agent {
        sql.push(" and d.agent = ").push_bind(storable(agent));
    }
    if let Some(action) = &filter.action {
        sql.push(" and d.action = ").push_bind(storable(action));
    }
    if let Some(since) = filter.since {
        sql.push(" and d.decided_at >= ").push_bind(OffsetDateTime::from(since));
    }
    if let Some(until) = filter.until {
        sql.push(" and d.decided_at < ").push_bind(OffsetDateTime::from(until));
    }
    if let Some((at, seq)) = page::time_and_number(filter.cursor.as_deref())? {
        sql.push(" and (d.decided_at, d.seq) < (")
            .push_bind(OffsetDateTime::from(at))
            .push(", ")
            .push_bind(seq)
            .push(")");
    }
    sql.push(" order by d.decided_at desc, d.seq desc limit ").push_bind(limit);
    Ok(sql)
}

/// The newest decisions that `filter` selects, up to `limit`, for replays; oldest first.
pub(crate) async fn newest(db: &mut PgConnection, filter: &Filter, limit: u32) -> Result<Vec<Record>> {
    let rows = select(filter, i64::from(limit))?.build_query_as::<Row>().fetch_all(db).await?;
    rows.into_iter().rev().map(Row::read).collect()
}

/// Calls `take` with each of the newest decisions that `filter` selects, newest first, without holding all of them.
pub(super) async fn for_each_newest(
    db: &mut PgConnection,
    filter: &Filter,
    limit: u32,
    mut take: impl FnMut(Record) -> Result<()>,
) -> Result<()> {
    let mut sql = select(filter, i64::from(limit))?;
    let mut rows = sql.build_query_as::<Row>().fetch(db);
    while let Some(row) = rows.try_next().await? {
        take(row.read()?)?;
    }
    Ok(())
}

/// One decision.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such decision.
pub async fn get(store: &Store, actor: &Actor, decision_id: &str) -> Result<Record> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    by_id(&mut db, decision_id).await
}

/// The decision with this id.
pub(super) async fn by_id(db: &mut PgConnection, decision_id: &str) -> Result<Record> {
    let row: Option<Row> = sqlx::query_as(concatcp!(SELECT, "where d.decision_id = $1"))
        .bind(&*storable(decision_id))
        .fetch_optional(db)
        .await?;
    row.ok_or_else(|| Error::not_found("decision", decision_id))?.read()
}
