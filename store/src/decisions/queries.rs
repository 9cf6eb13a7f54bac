//! Reading decisions.

use std::{
    borrow::Cow,
    collections::HashMap,
    time::{Duration, Instant},
};

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
    /// Only decisions recorded from this time on, inclusive.
    pub since: Option<Timestamp>,
    /// Only decisions recorded until this time, exclusive.
    pub until: Option<Timestamp>,
    /// Maximum number of rows to return.
    pub limit: Option<u32>,
    /// The cursor that came with the previous page.
    pub cursor: Option<String>,
    /// How long to search at least, instead of the usual time.
    pub search_time: Option<Duration>,
}

/// The first stretch of the log that a list searches; each further one is twice as long.
const FIRST_STRETCH: time::Duration = time::Duration::DAY;
/// How long a list searches: after this time it begins no further stretch.
const SEARCH_TIME: Duration = Duration::from_millis(500);

/// Decisions, the one recorded last first. The log is searched stretch by stretch, so that no statement reads all of it:
/// where few decisions pass the filter, a page may have less than its limit, even none, and still a cursor that goes on.
///
/// # Errors
/// Denied without [`Permission::Read`]; a malformed cursor or limit.
pub async fn list(store: &Store, actor: &Actor, filter: &Filter) -> Result<Page<Record>> {
    authorize(actor, Permission::Read)?;
    let limit = page::limit(filter.limit)?;
    let (cursor, search_time) = (page::time_and_number(filter.cursor.as_deref())?, filter.search_time);
    let (now, oldest): (OffsetDateTime, Option<OffsetDateTime>) =
        sqlx::query_as("select now(), min(day)::timestamptz from policy_decision_days").fetch_one(store.pool()).await?;
    let newest = cursor.map(|(at, _)| at).or(filter.until).map_or(now, |at| now.min(at.into()));
    let oldest = filter.since.map(OffsetDateTime::from).max(oldest).unwrap_or(now);
    let began = Instant::now();
    let (mut rows, mut stretch) = (Vec::new(), Stretch { since: newest.saturating_sub(FIRST_STRETCH), until: None });
    let searched = loop {
        let wanted = limit + 1 - i64::try_from(rows.len()).unwrap_or(limit);
        let is_last = stretch.since <= oldest;
        let mut sql = select(&stretch.of(filter, is_last), wanted)?;
        rows.extend(sql.build_query_as::<Row>().fetch_all(store.pool()).await?);
        if is_last || i64::try_from(rows.len()).is_ok_and(|found| found > limit) {
            break None;
        }
        if began.elapsed() >= search_time.unwrap_or(SEARCH_TIME) {
            break Some(stretch.since);
        }
        stretch = stretch.before(newest);
    };
    let mut page = page::page(rows, limit, |row| page::time_cursor(row.recorded_at.into(), row.seq), Row::read)?;
    if let Some(since) = searched {
        page.next_cursor = page.next_cursor.or_else(|| Some(page::time_cursor(since.into(), 0)));
    }
    Ok(page)
}

/// A part of the log: from a time on, inclusive, until another, exclusive.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    since: OffsetDateTime,
    /// `None` for what is newest.
    until: Option<OffsetDateTime>,
}

impl Stretch {
    /// The part before this one, as long as all from it to `newest`.
    fn before(self, newest: OffsetDateTime) -> Self {
        Self { since: self.since.saturating_sub(newest - self.since), until: Some(self.since) }
    }

    /// What passes `filter` in this part; `all_before` when it has no beginning.
    fn of(self, filter: &Filter, all_before: bool) -> Filter {
        let since = if all_before { filter.since } else { Some(self.since.into()) };
        let until = match (filter.until, self.until.map(Timestamp::from)) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Filter { since, until, ..filter.clone() }
    }
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
        sql.push(" and d.recorded_at >= ").push_bind(OffsetDateTime::from(since));
    }
    if let Some(until) = filter.until {
        sql.push(" and d.recorded_at < ").push_bind(OffsetDateTime::from(until));
    }
    if let Some((at, seq)) = page::time_and_number(filter.cursor.as_deref())? {
        // Says once more what the next condition says: by this one, partitions are left out.
        sql.push(" and d.recorded_at <= ").push_bind(OffsetDateTime::from(at));
        sql.push(" and (d.recorded_at, d.seq) < (")
            .push_bind(OffsetDateTime::from(at))
            .push(", ")
            .push_bind(seq)
            .push(")");
    }
    sql.push(" order by d.recorded_at desc, d.seq desc limit ").push_bind(limit);
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

/// The newest decision with this id.
pub(super) async fn by_id(db: &mut PgConnection, decision_id: &str) -> Result<Record> {
    let row = by_ids(db, &[decision_id]).await?.pop();
    row.ok_or_else(|| Error::not_found("decision", decision_id))?.read()
}

/// The newest decision with each of these ids, in no order; none for an id that has none.
pub(super) async fn by_ids(db: &mut PgConnection, ids: &[&str]) -> Result<Vec<Row>> {
    let (ids, times) = places(db, ids).await?;
    Ok(sqlx::query_as(concatcp!(SELECT, AT_PLACES)).bind(ids).bind(times).fetch_all(db).await?)
}

/// The newest decision with this id, for use cases that have authorized their caller.
pub(crate) async fn find(store: &Store, id: &str) -> Result<Option<Record>> {
    let mut db = store.pool().acquire().await?;
    by_ids(&mut db, &[id]).await?.into_iter().next().map(Row::read).transpose()
}

/// Selects decisions `d` by their ids and the times they were recorded.
pub(super) const AT_PLACES: &str =
    "where (d.decision_id, d.recorded_at) in (select * from unnest($1::text[], $2::timestamptz[]))
     and d.recorded_at >= (select min(at) from unnest($2::timestamptz[]) at)
     and d.recorded_at <= (select max(at) from unnest($2::timestamptz[]) at)";

/// Where the newest decisions with these ids lie: ids and times.
pub(super) async fn places(db: &mut PgConnection, ids: &[&str]) -> Result<(Vec<String>, Vec<OffsetDateTime>)> {
    let wanted: Vec<Cow<'_, str>> = ids.iter().map(|id| storable(id)).collect();
    let recent: Vec<(String, OffsetDateTime)> =
        sqlx::query_as("select decision_id, recorded_at from policy_decision_ids where decision_id = any($1)")
            .bind(&wanted)
            .fetch_all(&mut *db)
            .await?;
    let mut found: HashMap<String, OffsetDateTime> = recent.into_iter().collect();
    let others: Vec<&str> = wanted.iter().map(AsRef::as_ref).filter(|id| !found.contains_key(*id)).collect();
    if !others.is_empty() {
        // Looked up in the index of each day.
        let older: Vec<(String, OffsetDateTime)> = sqlx::query_as(
            "select decision_id, max(recorded_at) from policy_decisions where decision_id = any($1) group by decision_id",
        )
        .bind(others)
        .fetch_all(db)
        .await?;
        found.extend(older);
    }
    Ok(found.into_iter().unzip())
}
