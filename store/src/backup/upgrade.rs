//! Moving the private PostgreSQL to another major version: what the old server has is copied into a new one beside it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{
    BackupError,
    programs::{self, Running},
    rows,
};
use crate::{
    Error,
    postgres::{Binaries, SideBySide, client_program},
};

/// The outcome of an upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgraded {
    /// The major version of the data before.
    pub from: u32,
    /// The major version of the data now.
    pub to: u32,
    /// The rows that were copied, in all tables.
    pub rows: u64,
    /// Where the old data is kept.
    pub kept: PathBuf,
}

/// Moves the data below `data_dir` to the newest PostgreSQL installed, or to `target`. The old data is replaced only once
/// every table was found to have as many rows in the copy, and is kept beside it. Blocks; no server may run.
///
/// # Errors
/// A server runs, there is nothing newer, or the copy failed: the data is then as it was.
pub async fn upgrade(data_dir: &Path, target: Option<Binaries>) -> Result<Upgraded, BackupError> {
    let folder = data_dir.to_owned();
    let both = blocking(move || SideBySide::start(&folder, target)).await?;
    let (from, to) = both.versions();
    let Some((old, new)) = both.owner_options() else {
        return Err(Error::Internal("both servers were started".to_owned()).into());
    };
    let rows = copy(&old, &new, to).await?;
    let kept = blocking(move || both.swap()).await?;
    Ok(Upgraded { from, to, rows, kept })
}

async fn blocking<T: Send + 'static, E: Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, BackupError>
where
    BackupError: From<E>,
{
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Error::Internal(error.to_string()))??)
}

/// Copies everything with the programs of the new version, and compares the number of rows.
async fn copy(old: &PgConnectOptions, new: &PgConnectOptions, version: u32) -> Result<u64, BackupError> {
    let mut db = PgConnection::connect_with(old).await?;
    let mut tx = db.begin().await?;
    sqlx::query("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let snapshot: String = sqlx::query_scalar("select pg_export_snapshot()").fetch_one(&mut *tx).await?;
    let original = rows::count(&mut tx).await?;
    let mut dump = programs::dump(&client_program("pg_dump", version)?, old, &snapshot);
    let mut restore = programs::restore(&client_program("pg_restore", version)?, new);
    blocking(move || {
        let mut dump = Running::start("pg_dump", &mut dump, Stdio::null(), Stdio::piped())?;
        let output = dump.output().map_or_else(Stdio::null, Stdio::from);
        let restored = Running::start("pg_restore", &mut restore, output, Stdio::null()).and_then(Running::finish);
        // Without a reader it ends, and what it says then is no reason.
        let dumped = dump.finish();
        restored.and(dumped)
    })
    .await?;
    tx.rollback().await?;
    db.close().await?;
    let mut db = PgConnection::connect_with(new).await?;
    let copied = rows::count(&mut db).await?;
    rows::compare(&original, &copied)?;
    sqlx::query("analyze").execute(&mut db).await?;
    db.close().await?;
    Ok(copied.values().sum())
}
