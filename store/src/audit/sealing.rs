//! What the server does for the chain from time to time. It asks for no actor: it changes nothing that anybody said.

use lifecycle::audit::Checkpoint;

use super::{chain, checkpoint_file};
use crate::{Result, Store};

/// Seals what was written by SQL since the last entry. Answers whether there was anything.
///
/// # Errors
/// The database failed.
pub async fn seal(store: &Store) -> Result<bool> {
    let waiting: bool = sqlx::query_scalar(
        "select exists (select from policy_lifecycle_audit where entry_hash is null and (event_type = 'manual_failover'
             or not exists (select from policy_lifecycle_audit where entry_hash is not null)))",
    )
    .fetch_one(store.pool())
    .await?;
    if waiting {
        let mut tx = store.pool().begin().await?;
        let head = chain::lock(&mut tx, store.keys()).await?;
        chain::state(&mut tx, store.keys(), &head).await?;
        tx.commit().await?;
    }
    Ok(waiting)
}

/// Seals what waits, signs where the chain ends now and keeps that for ever, also in the store's file, unless the last kept
/// checkpoint ends there already or at most `unless_within` entries before. Answers what was kept.
///
/// # Errors
/// The database failed.
pub async fn checkpoint(store: &Store, unless_within: i64) -> Result<Option<Checkpoint>> {
    seal(store).await?;
    let (head, kept): (i64, Option<i64>) = sqlx::query_as(
        "select (select coalesce(max(seq), 0) from policy_lifecycle_audit where entry_hash is not null),
             (select max(head_seq) from policy_audit_checkpoints)",
    )
    .fetch_one(store.pool())
    .await?;
    if head == 0 || kept.is_some_and(|kept| (0..=unless_within).contains(&(head - kept))) {
        return Ok(None);
    }
    let mut tx = store.pool().begin().await?;
    let head = chain::lock(&mut tx, store.keys()).await?;
    let checkpoint = chain::state(&mut tx, store.keys(), &head).await?;
    chain::keep(&mut tx, &checkpoint).await?;
    checkpoint_file::keep(&mut tx, store, &checkpoint).await?;
    tx.commit().await?;
    Ok(Some(checkpoint))
}
