//! The newest checkpoint in a file, out of reach of an attacker who can only write to the database: cutting off the end
//! of the record and deleting every checkpoint in the database leaves this one in place.

use std::{fs, io};

use lifecycle::{audit::Checkpoint, signing};
use sqlx::PgConnection;

use super::chain;
use crate::{Result, Store, atomic_file};

/// The checkpoint in the store's file; `None` if there is no file or it cannot be read.
pub(super) fn read(store: &Store) -> Option<Checkpoint> {
    let file = store.checkpoint_file()?;
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "the checkpoint file of the audit record cannot be read");
            return None;
        }
    };
    serde_json::from_slice(&text)
        .inspect_err(|error| tracing::warn!(file = %file.display(), %error, "the checkpoint file holds no checkpoint"))
        .ok()
}

/// Writes `newest` into the store's file, unless the checkpoint there proves that the record was changed: that
/// checkpoint is kept, and is stored in the database too.
pub(super) async fn store(db: &mut PgConnection, store: &Store, newest: &Checkpoint) -> Result<()> {
    let Some(file) = store.checkpoint_file() else { return Ok(()) };
    if let Some(last) = read(store)
        && signing::verify(store.keys(), &last).is_ok()
        && contradicts(db, &last).await?
    {
        tracing::error!(
            file = %file.display(), entries = last.count,
            "the audit record is not the one this checkpoint was signed over: entries were cut off or replaced (or this \
             data directory was used with another database: then remove the file)"
        );
        return chain::store_checkpoint(db, &last).await;
    }
    let written = serde_json::to_vec_pretty(newest).map_err(io::Error::from);
    if let Err(error) = written.and_then(|text| atomic_file::write(file, &text)) {
        tracing::error!(file = %file.display(), %error, "the checkpoint of the audit record cannot be written");
    }
    Ok(())
}

/// Whether the record has a different entry, or none, at the position where `checkpoint` was signed.
async fn contradicts(db: &mut PgConnection, checkpoint: &Checkpoint) -> Result<bool> {
    if checkpoint.head_seq == 0 {
        return Ok(false);
    }
    let stored: Option<Option<Vec<u8>>> =
        sqlx::query_scalar("select entry_hash from policy_lifecycle_audit where seq = $1")
            .bind(checkpoint.head_seq)
            .fetch_optional(db)
            .await?;
    Ok(stored.flatten().as_deref() != Some(&checkpoint.head_hash.0[..]))
}
