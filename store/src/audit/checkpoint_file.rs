//! The newest checkpoint in a file, out of reach of an attacker who can only write to the database: cutting off the end
//! of the record and deleting every checkpoint in the database leaves this one in place.

use std::{fs, io};

use lifecycle::{audit::Checkpoint, signing};
use sqlx::PgConnection;

use super::chain;
use crate::{Result, Store, atomic_file};

/// What the store's file holds.
pub(super) enum InFile {
    /// There is no file.
    Nothing,
    Checkpoint(Checkpoint),
    /// Why no checkpoint can be read from the file.
    Unreadable(String),
}

/// The checkpoint in the store's file.
pub(super) fn read(store: &Store) -> InFile {
    let Some(file) = store.checkpoint_file() else { return InFile::Nothing };
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return InFile::Nothing,
        Err(error) => return InFile::Unreadable(error.to_string()),
    };
    match serde_json::from_slice(&text) {
        Ok(checkpoint) => InFile::Checkpoint(checkpoint),
        Err(error) => InFile::Unreadable(error.to_string()),
    }
}

/// Writes `newest` into the store's file, unless the checkpoint there may be a proof: one that the record contradicts,
/// which is stored in the database too, and one that cannot be verified, because its key is not known here or because
/// it was changed. A proof is never overwritten.
pub(super) async fn store(db: &mut PgConnection, store: &Store, newest: &Checkpoint) -> Result<()> {
    let Some(file) = store.checkpoint_file() else { return Ok(()) };
    match read(store) {
        InFile::Nothing => {}
        InFile::Unreadable(why) => {
            tracing::error!(
                file = %file.display(), why,
                "the checkpoint file of the audit record cannot be read and is not overwritten: move it away, then a new \
                 one is written"
            );
            return Ok(());
        }
        InFile::Checkpoint(last) => {
            if let Err(refusal) = signing::verify(&store.keys(), &last) {
                tracing::error!(
                    file = %file.display(), entries = last.count, %refusal,
                    "the checkpoint in this file cannot be verified and is not overwritten: give its key, or, if this \
                     data directory was used with another database, move the file away"
                );
                return Ok(());
            }
            if contradicts(db, &last).await? {
                tracing::error!(
                    file = %file.display(), entries = last.count,
                    "the audit record is not the one this checkpoint was signed over: entries were cut off or replaced \
                     (or this data directory was used with another database: then move the file away)"
                );
                return chain::store_checkpoint(db, &last).await;
            }
        }
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
