//! Reading bundles.

use const_format::concatcp;
use lifecycle::{
    Page,
    authority::{Actor, Permission, authorize},
    bundle::{Record, State, record::Summary},
    review::{Comparison, compare},
};

use super::row::{self, COLUMNS, Row, SUMMARY_COLUMNS, SummaryRow};
use crate::{Result, Store, page};

/// Which bundles to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only bundles that serve traffic now: canary first, then stable.
    pub active_only: bool,
    /// Only bundles with this version.
    pub version: Option<String>,
    /// Only bundles in this state.
    pub state: Option<State>,
    /// Maximum number of rows to return.
    pub limit: Option<u32>,
    /// The cursor that came with the previous page.
    pub cursor: Option<String>,
}

/// The bundles that the filter selects. At most two bundles serve at a time, so a list of those needs no cursor.
const FILTERED: &str = "where ($1::bigint is null or id < $1) and ($2::text is null or version = $2)
     and ($3::text is null or state = $3) and (not $4 or active)
     order by (case when $4 then canary_pct end), id desc limit $5";

/// Bundles with their content, newest first (`active_only`: canary first, then stable).
///
/// # Errors
/// Denied without [`Permission::Read`]; a malformed cursor or limit.
pub async fn list(store: &Store, actor: &Actor, filter: &Filter) -> Result<Page<Record>> {
    authorize(actor, Permission::Read)?;
    let limit = page::limit(filter.limit)?;
    let rows: Vec<Row> = sqlx::query_as(concatcp!("select ", COLUMNS, " from policy_bundles ", FILTERED))
        .bind(page::number(filter.cursor.as_deref())?)
        .bind(&filter.version)
        .bind(filter.state.map(State::name))
        .bind(filter.active_only)
        .bind(limit + 1)
        .fetch_all(store.pool())
        .await?;
    page::page(rows, limit, |row| row.id.to_string(), Row::record)
}

/// Bundles without their content, in the order of [`list`].
///
/// # Errors
/// As [`list`].
pub async fn summaries(store: &Store, actor: &Actor, filter: &Filter) -> Result<Page<Summary>> {
    authorize(actor, Permission::Read)?;
    let limit = page::limit(filter.limit)?;
    let rows: Vec<SummaryRow> =
        sqlx::query_as(concatcp!("select ", SUMMARY_COLUMNS, " from policy_bundles ", FILTERED))
            .bind(page::number(filter.cursor.as_deref())?)
            .bind(&filter.version)
            .bind(filter.state.map(State::name))
            .bind(filter.active_only)
            .bind(limit + 1)
            .fetch_all(store.pool())
            .await?;
    page::page(rows, limit, |row| row.id.to_string(), SummaryRow::read)
}

/// One bundle.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such bundle.
pub async fn get(store: &Store, actor: &Actor, id: i64) -> Result<Record> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    row::by_id(&mut db, id).await?.record()
}

/// The changes from `a` to `b`, rule by rule and for every input.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such bundle.
pub async fn diff(store: &Store, actor: &Actor, a: i64, b: i64) -> Result<Comparison> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    let before = row::by_id(&mut db, a).await?.source()?;
    let after = row::by_id(&mut db, b).await?.source()?;
    drop(db);
    // Large bundles take a while to compare.
    store.heavy().run(&actor.name, move || compare(&before, &after)).await
}
