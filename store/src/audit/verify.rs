//! Verifying the whole chain as it is stored.

use const_format::concatcp;
use lifecycle::{
    audit::{ChainStatus, Checkpoint, Hash, Verdict, Verifier},
    authority::{Actor, Permission, authorize},
};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use tokio::sync::mpsc;

use super::{
    checkpoint_file::{self, InFile},
    row::{COLUMNS, Row},
};
use crate::{Error, Result, Store};

/// Entries read at a time.
const BATCH: i64 = 2000;

/// Reads the entries after `$1`.
const NEXT: &str =
    concatcp!("select ", COLUMNS, " from policy_lifecycle_audit where seq > $1 order by seq limit ", BATCH);

/// Reads the record from its first entry to its last, computes every hash, and compares every checkpoint.
///
/// # Errors
/// Denied without [`Permission::Read`]; the database failed. A broken chain is no error: the verdict says so.
pub async fn verify(store: &Store, actor: &Actor) -> Result<Verdict> {
    authorize(actor, Permission::Read)?;
    // One turn for the whole record: a connection is held meanwhile.
    let turn = store.heavy().turn(&actor.name).await?;
    let mut tx = store.pool().begin().await?;
    // One snapshot: entries added meanwhile, and checkpoints over them, are not seen.
    sqlx::query("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let (mut checkpoints, damaged) = checkpoints(&mut tx).await?;
    let mut unreadable = None;
    match checkpoint_file::read(store) {
        InFile::Nothing => {}
        InFile::Checkpoint(checkpoint) => checkpoints.push(checkpoint),
        InFile::Unreadable(why) => unreadable = Some(why),
    }
    let keys = store.keys();
    // Rows are read here and judged off the threads of requests, a few batches apart.
    let (batches, mut waiting) = mpsc::channel::<Vec<Row>>(1);
    let judge = turn.run(move || {
        let mut verifier = Verifier::new(Some(&keys), checkpoints);
        if let Some(why) = unreadable {
            verifier.add_problem(format!("the checkpoint file in the data directory cannot be read: {why}"));
        }
        if damaged > 0 {
            verifier.add_problem(format!("{damaged} of the stored checkpoints cannot be read"));
        }
        while let Some(rows) = waiting.blocking_recv() {
            rows.into_iter().for_each(|row| verifier.add(&row.members()));
        }
        verifier.finish()
    });
    let read = async move {
        let mut read = i64::MIN;
        loop {
            let rows: Vec<Row> = sqlx::query_as(NEXT).bind(read).fetch_all(&mut *tx).await?;
            let Some(last) = rows.last() else { break };
            read = last.seq;
            if batches.send(rows).await.is_err() {
                break;
            }
        }
        Ok::<_, Error>(())
    };
    let (verdict, read) = tokio::join!(judge, read);
    read?;
    verdict
}

/// The stored checkpoints, and how many of them cannot be read.
async fn checkpoints(db: &mut PgConnection) -> Result<(Vec<Checkpoint>, usize)> {
    let stored: Vec<Json<Value>> = sqlx::query_scalar(
        "select checkpoint from policy_audit_checkpoints
         union all select checkpoint from policy_audit_head where checkpoint is not null",
    )
    .fetch_all(db)
    .await?;
    let count = stored.len();
    let read: Vec<Checkpoint> = stored.into_iter().filter_map(|json| serde_json::from_value(json.0).ok()).collect();
    let damaged = count - read.len();
    Ok((read, damaged))
}

/// The length and the end of the chain, without verifying it.
///
/// # Errors
/// Denied without [`Permission::Read`]; the database failed.
pub async fn status(store: &Store, actor: &Actor) -> Result<ChainStatus> {
    authorize(actor, Permission::Read)?;
    let (entries, pending, head, last): (i64, i64, Option<Json<Value>>, Option<Json<Value>>) = sqlx::query_as(
        "select (select seq from policy_audit_head),
             (select count(*) from policy_lifecycle_audit where entry_hash is null),
             (select checkpoint from policy_audit_head),
             (select checkpoint from policy_audit_checkpoints order by head_seq desc, id desc limit 1)",
    )
    .fetch_one(store.pool())
    .await?;
    let read = |json: Option<Json<Value>>| json.and_then(|json| serde_json::from_value::<Checkpoint>(json.0).ok());
    let (head_seq, head_hash) = read(head).map_or((0, Hash::GENESIS), |head| (head.head_seq, head.head_hash));
    Ok(ChainStatus {
        entries: entries.unsigned_abs(),
        pending: pending.unsigned_abs(),
        head_seq,
        head_hash,
        checkpoint: read(last),
    })
}
