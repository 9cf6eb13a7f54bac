//! The whole record as lines of JSON: every entry with its hashes, then signed checkpoints that show whether the end of
//! the file was cut off. `countersign audit verify --file` checks it without a server.

use std::collections::VecDeque;

use const_format::concatcp;
use lifecycle::authority::{Actor, Permission, authorize};
use policy::Timestamp;
use serde_json::{Value, json};
use sqlx::types::Json;
use time::OffsetDateTime;

use super::{
    chain,
    checkpoint_file::{self, InFile},
    row::{COLUMNS, Row},
    sealing,
};
use crate::{Error, Result, Store, json};

/// Entries read at a time.
const BATCH: i64 = 1000;

/// An export in progress.
#[derive(Debug)]
pub struct Export {
    store: Store,
    /// The number of the last entry that was read.
    read: i64,
    /// The number of the last entry to read.
    last: i64,
    /// The checkpoints that end the export, as lines.
    closing: VecDeque<String>,
    /// Entries that were read but not returned yet, as lines.
    lines: VecDeque<String>,
}

/// Begins an export of everything recorded up to now.
///
/// # Errors
/// Denied without [`Permission::Read`]; the database failed.
pub async fn export(store: &Store, actor: &Actor) -> Result<Export> {
    authorize(actor, Permission::Read)?;
    // Entries that were written by SQL are sealed first, so that the file has no unsealed end.
    sealing::seal(store).await?;
    let (last, at): (i64, OffsetDateTime) =
        sqlx::query_as("select (select coalesce(max(seq), 0) from policy_lifecycle_audit), clock_timestamp()")
            .fetch_one(store.pool())
            .await?;
    let mut closing = VecDeque::new();
    for checkpoint in farthest_checkpoints(store).await? {
        closing.push_back(json::text(&json!({ "checkpoint": checkpoint, "exported_at": Timestamp::from(at) }))?);
    }
    Ok(Export { store: store.clone(), read: 0, last, closing, lines: VecDeque::new() })
}

/// The checkpoint in the head of the chain, after those in the file and in the table that reach farther than it does.
async fn farthest_checkpoints(store: &Store) -> Result<Vec<Value>> {
    let (head, stored): (Option<Json<Value>>, Option<Json<Value>>) = sqlx::query_as(
        "select (select checkpoint from policy_audit_head),
             (select checkpoint from policy_audit_checkpoints order by head_seq desc, id desc limit 1)",
    )
    .fetch_one(store.pool())
    .await?;
    let head = match head {
        Some(head) => head.0,
        None => checkpoint_of_empty_record(store).await?,
    };
    let reach = |checkpoint: &Value| checkpoint["head_seq"].as_i64().unwrap_or(0);
    let in_file = match checkpoint_file::read(store) {
        InFile::Checkpoint(checkpoint) => Some(serde_json::to_value(checkpoint).map_err(Error::damaged)?),
        InFile::Nothing | InFile::Unreadable(_) => None,
    };
    let mut all: Vec<Value> = [stored.map(|stored| stored.0), in_file].into_iter().flatten().collect();
    all.retain(|checkpoint| reach(checkpoint) > reach(&head));
    all.push(head);
    Ok(all)
}

/// A checkpoint of a record to which nothing was ever written.
async fn checkpoint_of_empty_record(store: &Store) -> Result<Value> {
    let mut tx = store.pool().begin().await?;
    let head = chain::lock_and_seal(&mut tx, &store.keys()).await?;
    let checkpoint = chain::sign_head(&mut tx, &store.keys(), &head).await?;
    tx.commit().await?;
    serde_json::to_value(checkpoint).map_err(Error::damaged)
}

impl Export {
    /// The next line, without its line break; `None` after the last.
    ///
    /// # Errors
    /// The database failed.
    pub async fn line(&mut self) -> Result<Option<String>> {
        if self.lines.is_empty() && self.read < self.last {
            let rows: Vec<Row> = sqlx::query_as(concatcp!(
                "select ",
                COLUMNS,
                " from policy_lifecycle_audit where seq > $1 and seq <= $2 order by seq limit ",
                BATCH
            ))
            .bind(self.read)
            .bind(self.last)
            .fetch_all(self.store.pool())
            .await?;
            self.read = rows.last().map_or(self.last, |row| row.seq);
            for row in rows {
                self.lines.push_back(json::text(&row.members())?);
            }
        }
        Ok(self.lines.pop_front().or_else(|| self.closing.pop_front()))
    }
}
