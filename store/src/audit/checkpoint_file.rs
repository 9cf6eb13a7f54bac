//! The newest checkpoint in a file: whoever cuts the record and all statements about it in the database cannot reach it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use lifecycle::{audit::Checkpoint, signing};
use sqlx::PgConnection;

use super::chain;
use crate::{Result, Store};

/// The checkpoint in the store's file; none without a file, or when it cannot be read.
pub(super) fn read(store: &Store) -> Option<Checkpoint> {
    let file = store.checkpoint_file()?;
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "the kept checkpoint of the audit record cannot be read");
            return None;
        }
    };
    serde_json::from_slice(&text)
        .inspect_err(|error| tracing::warn!(file = %file.display(), %error, "the kept checkpoint is no checkpoint"))
        .ok()
}

/// Writes `newest` into the store's file, unless what is there proves that the record was changed: then it stays, and
/// goes into the database too.
pub(super) async fn keep(db: &mut PgConnection, store: &Store, newest: &Checkpoint) -> Result<()> {
    let Some(file) = store.checkpoint_file() else { return Ok(()) };
    if let Some(kept) = read(store)
        && signing::verify(store.keys(), &kept).is_ok()
        && contradicts(db, &kept).await?
    {
        tracing::error!(
            file = %file.display(), entries = kept.count,
            "the audit record is not the one this checkpoint was signed over: entries were cut off or replaced (or this \
             data directory was used with another database: then remove the file)"
        );
        return chain::keep(db, &kept).await;
    }
    if let Err(error) = write(file, newest) {
        tracing::error!(file = %file.display(), %error, "the checkpoint of the audit record cannot be kept");
    }
    Ok(())
}

async fn contradicts(db: &mut PgConnection, kept: &Checkpoint) -> Result<bool> {
    if kept.head_seq == 0 {
        return Ok(false);
    }
    let there: Option<Option<Vec<u8>>> =
        sqlx::query_scalar("select entry_hash from policy_lifecycle_audit where seq = $1")
            .bind(kept.head_seq)
            .fetch_optional(db)
            .await?;
    Ok(there.flatten().as_deref() != Some(&kept.head_hash.0[..]))
}

/// Whole or not at all.
fn write(file: &Path, checkpoint: &Checkpoint) -> io::Result<()> {
    let fresh = file.with_extension(format!("json.{}", std::process::id()));
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    out.write_all(&serde_json::to_vec_pretty(checkpoint)?)?;
    out.sync_all()?;
    fs::rename(&fresh, file)
}
