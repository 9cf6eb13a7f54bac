//! Reading the audit record.

use const_format::concatcp;
use lifecycle::{
    Page,
    audit::{Entry, EventType},
    authority::{Actor, Permission, authorize},
};
use policy::Timestamp;
use time::OffsetDateTime;

use super::row::{COLUMNS, Row, event_name};
use crate::{Result, Store, page};

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only events of this type.
    pub event_type: Option<EventType>,
    /// Only entries by this actor.
    pub actor: Option<String>,
    /// Only entries about this kind of subject.
    pub subject_type: Option<String>,
    /// Only entries about the subject with this id.
    pub subject_id: Option<String>,
    /// Only entries from this time on, inclusive.
    pub since: Option<Timestamp>,
    /// Only entries until this time, exclusive.
    pub until: Option<Timestamp>,
    /// Whether to leave out what the service does every day by itself.
    pub without_routine: bool,
    /// Whether the oldest entry comes first; otherwise the newest.
    pub oldest_first: bool,
    /// Maximum number of rows to return.
    pub limit: Option<u32>,
    /// The cursor that came with the previous page.
    pub cursor: Option<String>,
}

/// Reads the entries that the filter selects; `$7` is the cursor, `$8` the limit.
const FILTERED: &str = concatcp!(
    "select ",
    COLUMNS,
    " from policy_lifecycle_audit
     where ($1::text is null or event_type = $1) and ($2::text is null or actor = $2)
       and ($3::text is null or subject_type = $3) and ($4::text is null or subject_id = $4)
       and ($5::timestamptz is null or at >= $5) and ($6::timestamptz is null or at < $6)
       and ($9::text[] is null or event_type <> all ($9)) "
);
const OLDEST_FIRST: &str = concatcp!(FILTERED, "and ($7::bigint is null or seq > $7) order by seq limit $8");
const NEWEST_FIRST: &str = concatcp!(FILTERED, "and ($7::bigint is null or seq < $7) order by seq desc limit $8");

/// Entries, newest first unless the filter asks for the oldest.
///
/// # Errors
/// Denied without [`Permission::Read`]; a malformed cursor or limit.
pub async fn list(store: &Store, actor: &Actor, filter: &Filter) -> Result<Page<Entry>> {
    authorize(actor, Permission::Read)?;
    let limit = page::limit(filter.limit)?;
    let after = page::number(filter.cursor.as_deref())?;
    let sql = if filter.oldest_first { OLDEST_FIRST } else { NEWEST_FIRST };
    let rows: Vec<Row> = sqlx::query_as(sql)
        .bind(filter.event_type.map(event_name))
        .bind(&filter.actor)
        .bind(&filter.subject_type)
        .bind(&filter.subject_id)
        .bind(filter.since.map(OffsetDateTime::from))
        .bind(filter.until.map(OffsetDateTime::from))
        .bind(after)
        .bind(limit + 1)
        .bind(filter.without_routine.then(|| EventType::ROUTINE.map(event_name)))
        .fetch_all(store.pool())
        .await?;
    page::page(rows, limit, |row| row.seq.to_string(), Row::read)
}
