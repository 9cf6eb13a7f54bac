//! Regular upkeep of the chain by the server. Takes no actor: sealing does not change what entries say.

use const_format::concatcp;
use lifecycle::audit::Checkpoint;

use super::{chain, checkpoint_file};
use crate::{Error, Result, Store};

/// Seals entries that were written by SQL since the last sealed one; returns whether there were any.
///
/// # Errors
/// The database failed, or this process was not found to hold the key that signs.
pub async fn seal(store: &Store) -> Result<bool> {
    if !store.keys_are_checked() {
        return Err(Error::Internal("nothing is sealed before the keys were checked".to_owned()));
    }
    let waiting: bool = sqlx::query_scalar(concatcp!(
        "select exists (select from policy_lifecycle_audit where entry_hash is null and (",
        chain::TRACED,
        " or not exists (select from policy_lifecycle_audit sealed where sealed.entry_hash is not null)))"
    ))
    .fetch_one(store.pool())
    .await?;
    if waiting {
        let mut tx = store.pool().begin().await?;
        let head = chain::lock_and_seal(&mut tx, &store.keys()).await?;
        chain::sign_head(&mut tx, &store.keys(), &head).await?;
        tx.commit().await?;
    }
    Ok(waiting)
}

/// Seals unsealed entries, signs a checkpoint of the end of the chain and stores it permanently, also in the store's
/// file. Nothing is stored if the last stored checkpoint ends at most `unless_within` entries earlier. Returns the
/// checkpoint that was stored.
///
/// # Errors
/// The database failed.
pub async fn checkpoint(store: &Store, unless_within: i64) -> Result<Option<Checkpoint>> {
    seal(store).await?;
    let (head, last): (i64, Option<i64>) = sqlx::query_as(
        "select (select coalesce(max(seq), 0) from policy_lifecycle_audit where entry_hash is not null),
             (select max(head_seq) from policy_audit_checkpoints)",
    )
    .fetch_one(store.pool())
    .await?;
    if head == 0 || last.is_some_and(|last| (0..=unless_within).contains(&(head - last))) {
        return Ok(None);
    }
    let mut tx = store.pool().begin().await?;
    let head = chain::lock_and_seal(&mut tx, &store.keys()).await?;
    let checkpoint = chain::sign_head(&mut tx, &store.keys(), &head).await?;
    chain::store_checkpoint(&mut tx, &checkpoint).await?;
    checkpoint_file::store(&mut tx, store, &checkpoint).await?;
    tx.commit().await?;
    Ok(Some(checkpoint))
}
