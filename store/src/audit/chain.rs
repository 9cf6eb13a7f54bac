//! Writing the chain. The row of `policy_audit_head` is locked from the first entry of a transaction to its end, so
//! entries get their numbers and hashes one after the other, without gaps.

use lifecycle::{
    audit::{self, Checkpoint, Entry, Hash, Seal},
    signing::KeyRing,
};
use policy::Timestamp;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, types::Json};
use time::OffsetDateTime;

use super::{COLUMNS, Row, hash};
use crate::{Error, Result, json};

/// Where the chain ends.
pub(super) struct Head {
    /// The last number given.
    pub seq: i64,
    /// The last sealed entry, 0 for none, and its hash.
    pub sealed: (i64, Hash),
    /// What was stated about the end when the last entry was sealed.
    pub stated: Option<Checkpoint>,
}

/// Locks the end of the chain and seals what was written without a key: changes made by SQL, and whatever there was
/// before there was a chain.
pub(super) async fn lock(db: &mut PgConnection, keys: &KeyRing) -> Result<Head> {
    let (counted, stated): (i64, Option<Json<Value>>) =
        sqlx::query_as("select seq, checkpoint from policy_audit_head for update").fetch_one(&mut *db).await?;
    // Only now: a statement sees what was committed before it began.
    let (last, sealed, hashed, unsealed): (i64, Option<i64>, Option<Vec<u8>>, bool) = sqlx::query_as(
        "select coalesce((select max(seq) from policy_lifecycle_audit), 0), s.seq, s.entry_hash,
             exists (select from policy_lifecycle_audit where entry_hash is null)
         from (select) one left join lateral (select seq, entry_hash from policy_lifecycle_audit
             where entry_hash is not null order by seq desc limit 1) s on true",
    )
    .fetch_one(&mut *db)
    .await?;
    let end = match (sealed, hashed) {
        (Some(seq), Some(bytes)) => (seq, hash(&bytes)?),
        _ => (0, Hash::GENESIS),
    };
    let stated = stated.and_then(|stated| serde_json::from_value::<Checkpoint>(stated.0).ok());
    let mut head = Head { seq: counted.max(last), sealed: end, stated };
    keep_evidence(db, &head).await?;
    if unsealed {
        seal_waiting(db, keys, &mut head).await?;
    }
    Ok(head)
}

/// Adds entries: numbers, hashes, rows, and a new statement of where the chain ends.
pub(crate) async fn append(db: &mut PgConnection, keys: &KeyRing, entries: Vec<Entry>) -> Result<()> {
    let mut head = lock(db, keys).await?;
    for mut entry in entries {
        head.seq += 1;
        entry.seq = head.seq;
        let seal = audit::seal_entry(&keys.current, head.sealed.1, &entry);
        insert(db, &entry, &seal).await?;
        head.sealed = (entry.seq, seal.entry_hash);
    }
    state(db, keys, &head).await.map(drop)
}

/// States, signed, where the chain ends now.
pub(super) async fn state(db: &mut PgConnection, keys: &KeyRing, head: &Head) -> Result<Checkpoint> {
    let at: OffsetDateTime = sqlx::query_scalar("select clock_timestamp()").fetch_one(&mut *db).await?;
    let (seq, hash) = head.sealed;
    let checkpoint = Checkpoint::sign(keys, seq, hash, Timestamp::from(at))
        .map_err(|refusal| Error::Internal(format!("a checkpoint could not be signed: {refusal}")))?;
    sqlx::query("update policy_audit_head set seq = $1, checkpoint = $2::json")
        .bind(head.seq)
        .bind(json::text(&checkpoint)?)
        .execute(db)
        .await?;
    Ok(checkpoint)
}

/// The end is not where the last statement says: somebody changed the record. Work goes on, and the statement, which
/// proves it, is kept before it is written over.
async fn keep_evidence(db: &mut PgConnection, head: &Head) -> Result<()> {
    let Some(stated) = &head.stated else { return Ok(()) };
    if (stated.head_seq, stated.head_hash) == head.sealed {
        return Ok(());
    }
    tracing::error!(
        stated = stated.head_seq,
        found = head.sealed.0,
        "the audit record does not end as it did when it was last written: verify the chain"
    );
    keep(db, stated).await
}

/// Keeps a checkpoint for ever.
pub(super) async fn keep(db: &mut PgConnection, checkpoint: &Checkpoint) -> Result<()> {
    sqlx::query(
        "insert into policy_audit_checkpoints (head_seq, at, checkpoint)
         select $1, $2, $3::json where not exists (
             select from policy_audit_checkpoints where head_seq = $1 and checkpoint::text = $3)",
    )
    .bind(checkpoint.head_seq)
    .bind(OffsetDateTime::from(checkpoint.at))
    .bind(json::text(checkpoint)?)
    .execute(db)
    .await?;
    Ok(())
}

/// Seals, in their order, entries behind the end of the chain. Once there is a chain, only those of a failover are
/// sealed: others were not written by this program.
async fn seal_waiting(db: &mut PgConnection, keys: &KeyRing, head: &mut Head) -> Result<()> {
    let begun = head.sealed.0 > 0 || head.stated.is_some();
    let sql = format!(
        "select {COLUMNS} from policy_lifecycle_audit
         where entry_hash is null and seq > $1 and (not $2 or event_type = 'manual_failover') order by seq"
    );
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(head.sealed.0).bind(begun).fetch_all(&mut *db).await?;
    for row in rows {
        let entry = super::read(row)?;
        let seal = audit::seal_entry(&keys.current, head.sealed.1, &entry);
        sqlx::query("update policy_lifecycle_audit set key_id = $2, prev_hash = $3, entry_hash = $4 where seq = $1")
            .bind(entry.seq)
            .bind(&seal.key_id)
            .bind(&seal.prev_hash.0[..])
            .bind(&seal.entry_hash.0[..])
            .execute(&mut *db)
            .await?;
        head.sealed = (entry.seq, seal.entry_hash);
    }
    Ok(())
}

async fn insert(db: &mut PgConnection, entry: &Entry, seal: &Seal) -> Result<()> {
    sqlx::query(
        "insert into policy_lifecycle_audit (seq, at, event_type, actor, roles, via, subject_type, subject_id, summary,
             detail, key_id, prev_hash, entry_hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::json, $11, $12, $13)",
    )
    .bind(entry.seq)
    .bind(OffsetDateTime::from(entry.at))
    .bind(super::event_name(entry.event_type))
    .bind(&entry.actor)
    .bind(&entry.roles[..])
    .bind(&entry.via)
    .bind(&entry.subject_type)
    .bind(&entry.subject_id)
    .bind(&entry.summary)
    .bind(json::text(&entry.detail)?)
    .bind(&seal.key_id)
    .bind(&seal.prev_hash.0[..])
    .bind(&seal.entry_hash.0[..])
    .execute(db)
    .await?;
    Ok(())
}
