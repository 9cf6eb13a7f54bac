//! The record of who decided what. Entries are added by the use cases, in their own transactions, by [`chain`]; here
//! they are read.

pub(crate) mod chain;
mod checkpoint_file;
mod export;
mod sealing;
mod verify;

pub use export::{Export, export};
use lifecycle::{
    Page,
    audit::{Entry, EventType, Hash, Seal},
    authority::{Actor, Permission, authorize},
};
use policy::Timestamp;
pub use sealing::{checkpoint, seal};
use serde_json::{Map, Value, json};
use sqlx::types::Json;
use time::OffsetDateTime;

pub use verify::{status, verify};

use crate::{Error, Result, Store, page};

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this kind.
    pub event_type: Option<EventType>,
    /// By this actor.
    pub actor: Option<String>,
    /// About this kind of thing.
    pub subject_type: Option<String>,
    /// About this one.
    pub subject_id: Option<String>,
    /// From this time, inclusive.
    pub since: Option<Timestamp>,
    /// Until this time, exclusive.
    pub until: Option<Timestamp>,
    /// From the first entry on, to read what happened as a story.
    pub oldest_first: bool,
    /// Most rows to answer.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// The columns of [`Row`].
const COLUMNS: &str = "seq, at, event_type, actor, roles, via, subject_type, subject_id, summary, detail, key_id, \
     prev_hash, entry_hash";

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    at: OffsetDateTime,
    event_type: String,
    actor: String,
    roles: Vec<String>,
    via: String,
    subject_type: String,
    subject_id: String,
    summary: String,
    detail: Json<Value>,
    key_id: Option<String>,
    prev_hash: Option<Vec<u8>>,
    entry_hash: Option<Vec<u8>>,
}

impl Row {
    fn seal(&self) -> Result<Option<Seal>> {
        let (Some(key_id), Some(prev), Some(own)) = (&self.key_id, &self.prev_hash, &self.entry_hash) else {
            return Ok(None);
        };
        Ok(Some(Seal { key_id: key_id.clone(), prev_hash: hash(prev)?, entry_hash: hash(own)? }))
    }

    /// The entry's members with whatever it has of a seal, also when nobody here would have written it so.
    fn members(self) -> Map<String, Value> {
        let mut members = json!({
            "seq": self.seq, "at": Timestamp::from(self.at), "event_type": self.event_type, "actor": self.actor,
            "roles": self.roles, "via": self.via, "subject_type": self.subject_type, "subject_id": self.subject_id,
            "summary": self.summary, "detail": self.detail.0,
        });
        let seal = [
            ("key_id", self.key_id),
            ("prev_hash", self.prev_hash.map(hex::encode)),
            ("entry_hash", self.entry_hash.map(hex::encode)),
        ];
        for (name, value) in seal {
            if let Some(value) = value {
                members[name] = Value::from(value);
            }
        }
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

fn hash(bytes: &[u8]) -> Result<Hash> {
    bytes.try_into().map(Hash).map_err(|_| Error::damaged("a hash of the audit chain"))
}

/// The list in one direction: what follows the cursor, and the order.
macro_rules! list_sql {
    ($follows:literal, $order:literal) => {
        concat!(
            "select seq, at, event_type, actor, roles, via, subject_type, subject_id, summary, detail, key_id, prev_hash,
                 entry_hash
             from policy_lifecycle_audit
             where ($1::text is null or event_type = $1) and ($2::text is null or actor = $2)
               and ($3::text is null or subject_type = $3) and ($4::text is null or subject_id = $4)
               and ($5::timestamptz is null or at >= $5) and ($6::timestamptz is null or at < $6)
               and ($7::bigint is null or seq ",
            $follows,
            " $7) order by seq ",
            $order,
            " limit $8"
        )
    };
}

/// Entries, newest first unless the filter asks for the oldest.
///
/// # Errors
/// Denied without [`Permission::Read`]; a malformed cursor or limit.
pub async fn list(store: &Store, actor: &Actor, filter: &Filter) -> Result<Page<Entry>> {
    authorize(actor, Permission::Read)?;
    let limit = page::limit(filter.limit)?;
    let after = page::number(filter.cursor.as_deref())?;
    let sql = if filter.oldest_first { list_sql!(">", "asc") } else { list_sql!("<", "desc") };
    let rows: Vec<Row> = sqlx::query_as(sql)
        .bind(filter.event_type.map(event_name))
        .bind(&filter.actor)
        .bind(&filter.subject_type)
        .bind(&filter.subject_id)
        .bind(filter.since.map(OffsetDateTime::from))
        .bind(filter.until.map(OffsetDateTime::from))
        .bind(after)
        .bind(limit + 1)
        .fetch_all(store.pool())
        .await?;
    page::page(rows, limit, |row| row.seq.to_string(), read)
}

fn read(row: Row) -> Result<Entry> {
    let seal = row.seal()?;
    Ok(Entry {
        seq: row.seq,
        at: row.at.into(),
        event_type: event_type(&row.event_type)?,
        actor: row.actor,
        roles: row.roles,
        via: row.via,
        subject_type: row.subject_type,
        subject_id: row.subject_id,
        summary: row.summary,
        detail: row.detail.0,
        seal,
    })
}

/// The name of an event in SQL and JSON.
pub(crate) fn event_name(event: EventType) -> String {
    match serde_json::to_value(event) {
        Ok(Value::String(name)) => name,
        // A unit variant always serializes to its name.
        _ => String::new(),
    }
}

fn event_type(name: &str) -> Result<EventType> {
    serde_json::from_value(Value::from(name)).map_err(|_| Error::damaged(format!("audit event type `{name}`")))
}
