//! Writing the chain. The row of `policy_audit_head` is locked from the first entry of a transaction to the end of that
//! transaction, so that entries get their numbers and hashes one after the other, without gaps.

use const_format::concatcp;
use lifecycle::{
    audit::{self, Checkpoint, Entry, Hash, Seal},
    signing::KeyRing,
};
use policy::Timestamp;
use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;

use super::row::{COLUMNS, Row, event_name, hash};
use crate::{Error, Result, json};

/// The end of the chain.
pub(super) struct Head {
    /// The last number given.
    pub seq: i64,
    /// The last sealed entry, 0 if there is none, and its hash.
    pub sealed: (i64, Hash),
    /// The checkpoint that was signed when the last entry was sealed.
    pub checkpoint: Option<Checkpoint>,
}

/// Locks the end of the chain and seals entries that were written without a key: changes made by SQL, and entries older
/// than the chain.
pub(super) async fn lock_and_seal(db: &mut PgConnection, keys: &KeyRing) -> Result<Head> {
    let (counted, checkpoint): (i64, Option<Json<Value>>) =
        sqlx::query_as("select seq, checkpoint from policy_audit_head for update").fetch_one(&mut *db).await?;
    // A separate statement, begun under the lock: the one that waited for the lock may not see the newest entries.
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
    let checkpoint = checkpoint.and_then(|json| serde_json::from_value::<Checkpoint>(json.0).ok());
    let mut head = Head { seq: counted.max(last), sealed: end, checkpoint };
    store_contradicted_checkpoint(db, &head).await?;
    if unsealed {
        seal_unsealed(db, keys, &mut head).await?;
    }
    Ok(head)
}

/// Adds entries: numbers them, seals them, stores them, and signs a checkpoint of the new end of the chain.
pub(crate) async fn append(db: &mut PgConnection, keys: &KeyRing, entries: Vec<Entry>) -> Result<()> {
    let mut head = lock_and_seal(db, keys).await?;
    for mut entry in entries {
        head.seq += 1;
        entry.seq = head.seq;
        let seal = audit::seal_entry(&keys.current, head.sealed.1, &entry);
        insert(db, &entry, &seal).await?;
        head.sealed = (entry.seq, seal.entry_hash);
    }
    sign_head(db, keys, &head).await.map(drop)
}

/// Signs a checkpoint of the end of the chain and stores it with the head.
pub(super) async fn sign_head(db: &mut PgConnection, keys: &KeyRing, head: &Head) -> Result<Checkpoint> {
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

/// If the chain does not end where its last checkpoint says, the record was changed by hand. Work goes on; the
/// checkpoint is the proof, so it is stored permanently before the one in the head is overwritten.
async fn store_contradicted_checkpoint(db: &mut PgConnection, head: &Head) -> Result<()> {
    let Some(signed) = &head.checkpoint else { return Ok(()) };
    if (signed.head_seq, signed.head_hash) == head.sealed {
        return Ok(());
    }
    tracing::error!(
        signed = signed.head_seq,
        found = head.sealed.0,
        "the audit record does not end as it did when it was last written: verify the chain"
    );
    store_checkpoint(db, signed).await
}

/// Stores a checkpoint permanently.
pub(super) async fn store_checkpoint(db: &mut PgConnection, checkpoint: &Checkpoint) -> Result<()> {
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

/// Entries that a trigger wrote, word for word as the trigger wrote them.
pub(super) const TRACED: &str = "exists (select from policy_sql_changes t where t.seq = policy_lifecycle_audit.seq
    and (t.at, t.event_type, t.actor, t.roles, t.via, t.subject_type, t.subject_id, t.summary, t.detail::text)
        = (policy_lifecycle_audit.at, policy_lifecycle_audit.event_type, policy_lifecycle_audit.actor,
           policy_lifecycle_audit.roles, policy_lifecycle_audit.via, policy_lifecycle_audit.subject_type,
           policy_lifecycle_audit.subject_id, policy_lifecycle_audit.summary, policy_lifecycle_audit.detail::text)
    and policy_lifecycle_audit.credential is null)";

/// Seals, in order, the entries after the end of the chain. Once there is a chain, only entries that triggers wrote are
/// sealed: any other unsealed entry was written by a person who went around them.
async fn seal_unsealed(db: &mut PgConnection, keys: &KeyRing, head: &mut Head) -> Result<()> {
    let begun = head.sealed.0 > 0 || head.checkpoint.is_some();
    let rows: Vec<Row> = sqlx::query_as(concatcp!(
        "select ",
        COLUMNS,
        " from policy_lifecycle_audit where entry_hash is null and seq > $1 and (not $2 or ",
        TRACED,
        ") order by seq"
    ))
    .bind(head.sealed.0)
    .bind(begun)
    .fetch_all(&mut *db)
    .await?;
    for row in rows {
        let entry = row.read()?;
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
             detail, key_id, prev_hash, entry_hash, credential)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::json, $11, $12, $13, $14)",
    )
    .bind(entry.seq)
    .bind(OffsetDateTime::from(entry.at))
    .bind(event_name(entry.event_type))
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
    .bind(&entry.credential)
    .execute(db)
    .await?;
    Ok(())
}
