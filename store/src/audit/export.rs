//! The whole record as lines of JSON: every entry with its hashes, then a signed checkpoint that shows whether the end of
//! the file was cut off. `countersign audit verify --file` checks it without a server.

use std::collections::VecDeque;

use lifecycle::authority::{Actor, Permission, authorize};
use policy::Timestamp;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, types::Json};
use time::OffsetDateTime;

use super::{COLUMNS, Row, chain};
use crate::{Error, Result, Store, json};

/// Entries read at a time.
const BATCH: i64 = 1000;

/// An export under way.
#[derive(Debug)]
pub struct Export {
    store: Store,
    /// The last entry that was read.
    read: i64,
    /// The last entry to read.
    last: i64,
    /// The lines that end the export.
    closing: VecDeque<String>,
    lines: VecDeque<String>,
}

/// Begins an export of everything up to now.
///
/// # Errors
/// Denied without [`Permission::Read`]; the database failed.
pub async fn export(store: &Store, actor: &Actor) -> Result<Export> {
    authorize(actor, Permission::Read)?;
    // What was written by SQL a moment ago is sealed first, so that the file has no loose end.
    super::seal(store).await?;
    let (last, at): (i64, OffsetDateTime) =
        sqlx::query_as("select (select coalesce(max(seq), 0) from policy_lifecycle_audit), clock_timestamp()")
            .fetch_one(store.pool())
            .await?;
    let mut closing = VecDeque::new();
    for checkpoint in farthest(store).await? {
        closing.push_back(json::text(&json!({ "checkpoint": checkpoint, "exported_at": Timestamp::from(at) }))?);
    }
    Ok(Export { store: store.clone(), read: 0, last, closing, lines: VecDeque::new() })
}

/// What was stated about the end of the chain: in the file and in the table, when that reaches farther than what stands
/// in the head, and last what stands in the head.
async fn farthest(store: &Store) -> Result<Vec<Value>> {
    let (head, kept): (Option<Json<Value>>, Option<Json<Value>>) = sqlx::query_as(
        "select (select checkpoint from policy_audit_head),
             (select checkpoint from policy_audit_checkpoints order by head_seq desc, id desc limit 1)",
    )
    .fetch_one(store.pool())
    .await?;
    let head = match head {
        Some(head) => head.0,
        None => chain_of_nothing(store).await?,
    };
    let reach = |checkpoint: &Value| checkpoint["head_seq"].as_i64().unwrap_or(0);
    let outside = super::checkpoint_file::read(store).map(serde_json::to_value).transpose().map_err(Error::damaged)?;
    let mut all: Vec<Value> = [kept.map(|kept| kept.0), outside].into_iter().flatten().collect();
    all.retain(|checkpoint| reach(checkpoint) > reach(&head));
    all.push(head);
    Ok(all)
}

/// The statement about a record that nothing was ever written to.
async fn chain_of_nothing(store: &Store) -> Result<Value> {
    let mut tx = store.pool().begin().await?;
    let head = chain::lock(&mut tx, store.keys()).await?;
    let checkpoint = chain::state(&mut tx, store.keys(), &head).await?;
    tx.commit().await?;
    serde_json::to_value(checkpoint).map_err(Error::damaged)
}

impl Export {
    /// The next line, without its end; none after the last.
    ///
    /// # Errors
    /// The database failed.
    pub async fn line(&mut self) -> Result<Option<String>> {
        if self.lines.is_empty() && self.read < self.last {
            let sql = format!(
                "select {COLUMNS} from policy_lifecycle_audit where seq > $1 and seq <= $2 order by seq limit {BATCH}"
            );
            let rows: Vec<Row> =
                sqlx::query_as(AssertSqlSafe(sql)).bind(self.read).bind(self.last).fetch_all(self.store.pool()).await?;
            self.read = rows.last().map_or(self.last, |row| row.seq);
            for row in rows {
                self.lines.push_back(json::text(&row.members())?);
            }
        }
        Ok(self.lines.pop_front().or_else(|| self.closing.pop_front()))
    }
}
