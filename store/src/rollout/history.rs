//! The signed records of what went into service and came out.

use lifecycle::{
    authority::{Actor, Permission, authorize},
    limits::MAX_PAGE,
    problem::Code,
    rollout::{ApplyRecord, RollbackRecord},
    signing::{self, Envelope, KeyRing},
    workspace::History,
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{Error, Result, Store};

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
    on_behalf_of: Option<String>,
    rollback_triggered_at: OffsetDateTime,
    rolled_back_at: OffsetDateTime,
    incident_id: Option<String>,
    key_id: String,
    signature: String,
    verification_checksum: Option<String>,
}

/// The newest applies, promotions and rollbacks.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn history(store: &Store, actor: &Actor, limit: u32) -> Result<History> {
    authorize(actor, Permission::Read)?;
    let limit = i64::from(limit.clamp(1, MAX_PAGE));
    let mut db = store.pool().acquire().await?;
    Ok(History { applies: applies(&mut db, None, limit).await?, rollbacks: rollbacks(&mut db, None, limit).await? })
}

/// Refuses to rely on a record whose signature does not verify. `what` names it.
///
/// # Errors
/// `conflict`, for a person: somebody changed the record behind the program's back.
pub(super) fn check<T: Envelope>(keys: &KeyRing, record: &T, what: impl FnOnce() -> String) -> Result<()> {
    signing::verify(keys, record).map_err(|refusal| {
        let what = what();
        tracing::error!(%refusal, what, "a signed record does not verify");
        Error::refused(Code::Conflict, format!("{what} was refused: {refusal}"))
    })
}

/// The newest applies and promotions, of one bundle or of all.
pub(super) async fn applies(db: &mut PgConnection, bundle_id: Option<i64>, limit: i64) -> Result<Vec<ApplyRecord>> {
    let rows: Vec<ApplyRow> = sqlx::query_as(
        "select id, bundle_id, version, digest, packet_id, from_pct, to_pct, actor, at, key_id, signature,
             verification_checksum
         from policy_apply_record where $1::bigint is null or bundle_id = $1 order by id desc limit $2",
    )
    .bind(bundle_id)
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(ApplyRecord::from).collect())
}

/// The apply or promotion with this number.
pub(crate) async fn apply_record(db: &mut PgConnection, id: i64) -> Result<Option<ApplyRecord>> {
    let row: Option<ApplyRow> = sqlx::query_as(
        "select id, bundle_id, version, digest, packet_id, from_pct, to_pct, actor, at, key_id, signature,
             verification_checksum
         from policy_apply_record where id = $1",
    )
    .bind(id)
    .fetch_optional(db)
    .await?;
    Ok(row.map(ApplyRecord::from))
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
            at: row.at.into(),
            verification_checksum: row.verification_checksum,
            key_id: row.key_id,
            signature: row.signature,
        }
    }
}

/// The newest rollbacks, of one bundle or of all.
pub(super) async fn rollbacks(
    db: &mut PgConnection,
    bundle_id: Option<i64>,
    limit: i64,
) -> Result<Vec<RollbackRecord>> {
    let rows: Vec<RollbackRow> = sqlx::query_as(
        "select id, bundle_id, version, digest, from_pct, restored_bundle_id, restored_version, reason, actor,
             on_behalf_of, rollback_triggered_at, rolled_back_at, incident_id, key_id, signature,
             verification_checksum
         from policy_rollback_record where $1::bigint is null or bundle_id = $1 order by id desc limit $2",
    )
    .bind(bundle_id)
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RollbackRecord {
            id: row.id,
            bundle_id: row.bundle_id,
            version: row.version,
            digest: row.digest,
            from_pct: row.from_pct,
            restored_bundle_id: row.restored_bundle_id,
            restored_version: row.restored_version,
            reason: row.reason,
            actor: row.actor,
            on_behalf_of: row.on_behalf_of,
            rollback_triggered_at: row.rollback_triggered_at.into(),
            rolled_back_at: row.rolled_back_at.into(),
            incident_id: row.incident_id,
            verification_checksum: row.verification_checksum,
            key_id: row.key_id,
            signature: row.signature,
        })
        .collect())
}
