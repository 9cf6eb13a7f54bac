//! The signed records of applies, promotions and rollbacks as they are stored. A use case that relies on a record
//! checks its signature first.

use const_format::concatcp;
use lifecycle::{
    rollout::{ApplyRecord, RollbackRecord},
    signing::{self, Envelope, KeyRing},
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{Error, Result};

/// The columns of [`ApplyRow`].
const APPLY_COLUMNS: &str = "id, bundle_id, version, digest, packet_id, from_pct, to_pct, actor, credential, at, key_id, \
     signature, verification_checksum";

/// The columns of [`RollbackRow`].
const ROLLBACK_COLUMNS: &str = "id, bundle_id, version, digest, from_pct, restored_bundle_id, restored_version, reason, actor, \
     credential, on_behalf_of, rollback_triggered_at, rolled_back_at, incident_id, key_id, signature, verification_checksum";

/// How many records of a bundle are looked at.
const MAX_LOOKED_AT: i64 = 50;

#[derive(sqlx::FromRow)]
struct ApplyRow {
    id: i64,
    bundle_id: i64,
    version: String,
    digest: String,
    packet_id: Option<String>,
    from_pct: i16,
    to_pct: i16,
    actor: String,
    credential: Option<String>,
    at: OffsetDateTime,
    key_id: String,
    signature: String,
    verification_checksum: Option<String>,
}

#[derive(sqlx::FromRow)]
struct RollbackRow {
    id: i64,
    bundle_id: i64,
    version: String,
    digest: String,
    from_pct: i16,
    restored_bundle_id: i64,
    restored_version: String,
    reason: String,
    actor: String,
    credential: Option<String>,
    on_behalf_of: Option<String>,
    rollback_triggered_at: OffsetDateTime,
    rolled_back_at: OffsetDateTime,
    incident_id: Option<String>,
    key_id: String,
    signature: String,
    verification_checksum: Option<String>,
}

/// Refuses to rely on a record whose signature does not verify. `what` names it.
///
/// # Errors
/// `unknown_key` when the key is missing; `conflict` when the record was changed by hand.
pub(crate) fn check<T: Envelope>(keys: &KeyRing, record: &T, what: impl FnOnce() -> String) -> Result<()> {
    signing::verify(keys, record).map_err(|refusal| {
        let what = what();
        tracing::error!(%refusal, what, "a signed record does not verify");
        Error::not_verified(&what, &refusal)
    })
}

/// Signs and stores the record of an apply or a promotion, and sets its number.
pub(crate) async fn store_apply(keys: &KeyRing, db: &mut PgConnection, record: &mut ApplyRecord) -> Result<()> {
    signing::sign(keys, record)
        .map_err(|refusal| Error::Internal(format!("an apply could not be signed: {refusal}")))?;
    record.id = sqlx::query_scalar(
        "insert into policy_apply_record (bundle_id, version, digest, packet_id, from_pct, to_pct, actor, at, key_id,
             signature, verification_checksum, credential)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning id",
    )
    .bind(record.bundle_id)
    .bind(&record.version)
    .bind(&record.digest)
    .bind(&record.packet_id)
    .bind(record.from_pct)
    .bind(record.to_pct)
    .bind(&record.actor)
    .bind(OffsetDateTime::from(record.at))
    .bind(&record.key_id)
    .bind(&record.signature)
    .bind(&record.verification_checksum)
    .bind(&record.credential)
    .fetch_one(db)
    .await?;
    Ok(())
}

/// Signs and stores the record of a rollback, and sets its number.
pub(super) async fn store_rollback(keys: &KeyRing, db: &mut PgConnection, record: &mut RollbackRecord) -> Result<()> {
    signing::sign(keys, record)
        .map_err(|refusal| Error::Internal(format!("a rollback could not be signed: {refusal}")))?;
    record.id = sqlx::query_scalar(
        "insert into policy_rollback_record (bundle_id, version, digest, from_pct, restored_bundle_id, restored_version,
             reason, actor, on_behalf_of, rollback_triggered_at, rolled_back_at, incident_id, key_id, signature,
             verification_checksum, credential)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) returning id",
    )
    .bind(record.bundle_id)
    .bind(&record.version)
    .bind(&record.digest)
    .bind(record.from_pct)
    .bind(record.restored_bundle_id)
    .bind(&record.restored_version)
    .bind(&record.reason)
    .bind(&record.actor)
    .bind(&record.on_behalf_of)
    .bind(OffsetDateTime::from(record.rollback_triggered_at))
    .bind(OffsetDateTime::from(record.rolled_back_at))
    .bind(&record.incident_id)
    .bind(&record.key_id)
    .bind(&record.signature)
    .bind(&record.verification_checksum)
    .bind(&record.credential)
    .fetch_one(db)
    .await?;
    Ok(())
}

/// The newest applies and promotions, of one bundle or of all.
pub(super) async fn applies(db: &mut PgConnection, bundle_id: Option<i64>, limit: i64) -> Result<Vec<ApplyRecord>> {
    let sql = concatcp!(
        "select ",
        APPLY_COLUMNS,
        " from policy_apply_record where $1::bigint is null or bundle_id = $1 order by id desc limit $2"
    );
    let rows: Vec<ApplyRow> = sqlx::query_as(sql).bind(bundle_id).bind(limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(ApplyRecord::from).collect())
}

/// The applies and promotions of a bundle, newest first; only those of one transaction, if it is given.
pub(super) async fn applies_of(db: &mut PgConnection, bundle_id: i64, xid: Option<&str>) -> Result<Vec<ApplyRecord>> {
    let sql = concatcp!(
        "select ",
        APPLY_COLUMNS,
        " from policy_apply_record where bundle_id = $1 and ($2::text is null or xid = $2::text::xid8)
         order by id desc limit ",
        MAX_LOOKED_AT
    );
    let rows: Vec<ApplyRow> = sqlx::query_as(sql).bind(bundle_id).bind(xid).fetch_all(db).await?;
    Ok(rows.into_iter().map(ApplyRecord::from).collect())
}

/// The rollbacks that brought a bundle back, newest first; only those of one transaction, if it is given.
pub(super) async fn rollbacks_to(
    db: &mut PgConnection,
    bundle_id: i64,
    xid: Option<&str>,
) -> Result<Vec<RollbackRecord>> {
    let sql = concatcp!(
        "select ",
        ROLLBACK_COLUMNS,
        " from policy_rollback_record where restored_bundle_id = $1 and ($2::text is null or xid = $2::text::xid8)
         order by id desc limit ",
        MAX_LOOKED_AT
    );
    let rows: Vec<RollbackRow> = sqlx::query_as(sql).bind(bundle_id).bind(xid).fetch_all(db).await?;
    Ok(rows.into_iter().map(RollbackRecord::from).collect())
}

/// The apply or promotion with this number.
pub(crate) async fn apply_record(db: &mut PgConnection, id: i64) -> Result<Option<ApplyRecord>> {
    let sql = concatcp!("select ", APPLY_COLUMNS, " from policy_apply_record where id = $1");
    let row: Option<ApplyRow> = sqlx::query_as(sql).bind(id).fetch_optional(db).await?;
    Ok(row.map(ApplyRecord::from))
}

/// The newest rollbacks, of one bundle or of all.
pub(super) async fn rollbacks(
    db: &mut PgConnection,
    bundle_id: Option<i64>,
    limit: i64,
) -> Result<Vec<RollbackRecord>> {
    let sql = concatcp!(
        "select ",
        ROLLBACK_COLUMNS,
        " from policy_rollback_record where $1::bigint is null or bundle_id = $1 order by id desc limit $2"
    );
    let rows: Vec<RollbackRow> = sqlx::query_as(sql).bind(bundle_id).bind(limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(RollbackRecord::from).collect())
}

impl From<ApplyRow> for ApplyRecord {
    fn from(row: ApplyRow) -> Self {
        Self {
            id: row.id,
            bundle_id: row.bundle_id,
            version: row.version,
            digest: row.digest,
            packet_id: row.packet_id,
            from_pct: row.from_pct,
            to_pct: row.to_pct,
            actor: row.actor,
            credential: row.credential,
            at: row.at.into(),
            verification_checksum: row.verification_checksum,
            key_id: row.key_id,
            signature: row.signature,
        }
    }
}

impl From<RollbackRow> for RollbackRecord {
    fn from(row: RollbackRow) -> Self {
        Self {
            id: row.id,
            bundle_id: row.bundle_id,
            version: row.version,
            digest: row.digest,
            from_pct: row.from_pct,
            restored_bundle_id: row.restored_bundle_id,
            restored_version: row.restored_version,
            reason: row.reason,
            actor: row.actor,
            credential: row.credential,
            on_behalf_of: row.on_behalf_of,
            rollback_triggered_at: row.rollback_triggered_at.into(),
            rolled_back_at: row.rolled_back_at.into(),
            incident_id: row.incident_id,
            verification_checksum: row.verification_checksum,
            key_id: row.key_id,
            signature: row.signature,
        }
    }
}
