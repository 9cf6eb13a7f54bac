//! Retention: a day that is old enough goes into a file, is taken out of the database, and can be brought back.

use std::path::{Path, PathBuf};

use lifecycle::{
    archive::{FORMAT, Lines, Manifest},
    audit::EventType,
    authority::{Actor, Permission, authorize},
    problem::Code,
    signing,
};
use serde_json::json as object;
use sqlx::PgConnection;
use time::{Date, format_description::well_known::Iso8601};

use super::{
    archive_file::{self, ArchiveError, Line, Writer, verify_archive},
    closing::{lock, permit},
    lines,
};
use crate::{Error, Result, Store, json, settings, work::Work};

/// How many lines are brought back at once.
const BATCH: usize = 1_000;

/// A day that was archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// The file.
    pub file: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
}

/// Archives the days that are older than the settings say, into `folder`, and takes archived ones out of the database.
///
/// # Errors
/// The database failed, a file cannot be written, or a day is not what it was when it was closed: that day stays.
pub async fn archive_days(store: &Store, folder: &Path) -> Result<Vec<Archived>> {
    take_archived(store).await?;
    let mut db = store.pool().acquire().await?;
    let days = settings::load(&mut *db).await?.retention.days;
    let due: Vec<Date> = sqlx::query_scalar(
        "select day from policy_decision_days
         where digest is not null and archive is null and day < (now() at time zone 'UTC')::date - $1
             and (restored_at is null or restored_at < now() - make_interval(days => $1)) order by day",
    )
    .bind(i32::try_from(days).unwrap_or(i32::MAX))
    .fetch_all(&mut *db)
    .await?;
    drop(db);
    let mut archived = Vec::new();
    for day in due {
        archived.extend(archive(store, day, folder).await?);
        take_archived(store).await?;
    }
    Ok(archived)
}

async fn archive(store: &Store, day: Date, folder: &Path) -> Result<Option<Archived>> {
    let mut work = Work::begin_over_a_day(store, permit()?).await?;
    if !lock(&mut work).await? {
        return Ok(None);
    }
    let digest: Option<String> =
        sqlx::query_scalar("select digest from policy_decision_days where day = $1 and archive is null")
            .bind(day)
            .fetch_optional(work.db())
            .await?
            .flatten();
    let Some(digest) = digest else { return Ok(None) };
    // Who reports an outcome now is refused: it would be neither in the file nor in the database.
    sqlx::query("select countersign_close_outcomes($1)").bind(day).execute(work.db()).await?;
    let unwritable = |error: std::io::Error| {
        Error::Internal(format!("the log of {day} cannot be archived to `{}`: {error}", folder.display()))
    };
    let mut writer = Writer::begin(folder, &format!("decisions-{day}.jsonl.gz")).map_err(unwritable)?;
    let mut write = |line: &str| writer.line(line).map_err(unwritable);
    let decisions = lines::decisions(work.db(), day, &mut write).await?;
    let outcomes = lines::outcomes(work.db(), day, &mut write).await?;
    if decisions.digest() != digest {
        return Err(Error::damaged(format!("the log of {day} was changed after it was closed; it is not archived")));
    }
    let manifest = manifest(&work, day, &decisions, &outcomes)?;
    let text = json::text(&manifest)?;
    writer.line(&text).map_err(unwritable)?;
    let file = writer.finish().map_err(unwritable)?;
    // Read back from the disk before anything is taken away.
    let (keys, written) = (work.keys(), file.clone());
    let read = tokio::task::spawn_blocking(move || verify_archive(&written, &keys))
        .await
        .map_err(|error| Error::Internal(error.to_string()))?;
    if !read.is_ok_and(|read| read == manifest) {
        return Err(Error::damaged(format!("`{}` does not hold what was written to it", file.display())));
    }
    sqlx::query("update policy_decision_days set archive = $2::json where day = $1")
        .bind(day)
        .bind(&text)
        .execute(work.db())
        .await?;
    let detail = object!({"file": file, "manifest": manifest});
    let summary = format!("the log of {day} was archived with {} decisions", manifest.decisions);
    work.note(EventType::DecisionsArchived, "day", day, summary, detail);
    work.commit().await?;
    Ok(Some(Archived { file, manifest }))
}

fn manifest(work: &Work, day: Date, decisions: &Lines, outcomes: &Lines) -> Result<Manifest> {
    let keys = work.keys();
    let mut manifest = Manifest {
        format: FORMAT.to_owned(),
        workspace: keys.workspace().map(str::to_owned),
        day: day.to_string(),
        decisions: decisions.count(),
        decisions_digest: decisions.digest(),
        outcomes: outcomes.count(),
        outcomes_digest: outcomes.digest(),
        archived_at: work.now,
        key_id: String::new(),
        signature: String::new(),
    };
    signing::sign(&keys, &mut manifest).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(manifest)
}

/// Takes archived days out of the database. While others read the log for long, they stay until the next time.
async fn take_archived(store: &Store) -> Result<()> {
    let here: Vec<Date> = sqlx::query_scalar(
        "select day from policy_decision_days
         where archive is not null and to_regclass(to_char(day, '\"policy_decisions_\"YYYYMMDD')) is not null order by day",
    )
    .fetch_all(store.pool())
    .await?;
    for day in here {
        if let Err(error) = sqlx::query("select countersign_take_day($1)").bind(day).execute(store.pool()).await {
            tracing::debug!(%error, %day, "an archived day cannot be taken out of the database yet");
        }
    }
    Ok(())
}

/// Brings an archived day back into the database, from its file.
///
/// # Errors
/// Denied without [`Permission::Administer`]; `invalid_field` for a file that cannot be read; `conflict` for one that is
/// incomplete, changed, or signed by nobody here, and when the day is in the database or was closed with other decisions.
pub async fn restore_archive(store: &Store, actor: &Actor, file: &Path) -> Result<Manifest> {
    let permit = authorize(actor, Permission::Administer)?;
    let refused = |error: ArchiveError| {
        let code = match error {
            ArchiveError::Unreadable(_) => Code::InvalidField,
            ArchiveError::Wrong(_) => Code::Conflict,
        };
        Error::refused(code, format!("`{}`: {error}", file.display()))
    };
    let manifest = verify_archive(file, &store.keys()).map_err(refused)?;
    let day = Date::parse(&manifest.day, &Iso8601::DATE)
        .map_err(|_| Error::refused(Code::InvalidField, format!("`{}` is no day", manifest.day)))?;
    let mut work = Work::begin_over_a_day(store, permit).await?;
    if !lock(&mut work).await? {
        return Err(Error::refused(Code::Conflict, "another day is being closed, archived or brought back; try again"));
    }
    let known: Option<(Option<String>, bool)> = sqlx::query_as(
        "select digest, archive is not null and to_regclass(to_char(day, '\"policy_decisions_\"YYYYMMDD')) is null
         from policy_decision_days where day = $1",
    )
    .bind(day)
    .fetch_optional(work.db())
    .await?;
    match known {
        Some((Some(digest), true)) if digest == manifest.decisions_digest => {}
        Some((_, false)) => {
            return Err(Error::refused(Code::Conflict, format!("the log of {day} is in the database")));
        }
        _ => {
            let detail = format!("`{}` is not what this workspace closed the log of {day} with", file.display());
            return Err(Error::refused(Code::Conflict, detail));
        }
    }
    sqlx::query("select countersign_reopen_day($1)").bind(day).execute(work.db()).await?;
    insert(work.db(), file).await?;
    let (decisions, outcomes) =
        (lines::decisions(work.db(), day, |_| Ok(())).await?, lines::outcomes(work.db(), day, |_| Ok(())).await?);
    if decisions.digest() != manifest.decisions_digest || outcomes.digest() != manifest.outcomes_digest {
        return Err(Error::damaged(format!("the log of {day} reads otherwise once it is back")));
    }
    sqlx::query("select countersign_close_day($1)").bind(day).execute(work.db()).await?;
    sqlx::query("update policy_decision_days set archive = null, restored_at = now() where day = $1")
        .bind(day)
        .execute(work.db())
        .await?;
    let summary = format!("the log of {day} was brought back with {} decisions", manifest.decisions);
    let detail = object!({"file": file, "manifest": manifest});
    work.note(EventType::DecisionsRestored, "day", day, summary, detail);
    work.commit().await?;
    Ok(manifest)
}

/// Adds the lines of a file to the log.
async fn insert(db: &mut PgConnection, file: &Path) -> Result<()> {
    let (send, mut batches) = tokio::sync::mpsc::channel::<(Line, Vec<String>)>(2);
    let file = file.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let mut batch = (Line::Decision, Vec::new());
        let gone = || ArchiveError::Unreadable(std::io::Error::other("nobody waits for it"));
        archive_file::read(&file, |kind, line| {
            if kind != batch.0 || batch.1.len() == BATCH {
                let full = std::mem::replace(&mut batch, (kind, Vec::with_capacity(BATCH)));
                send.blocking_send(full).map_err(|_| gone())?;
            }
            batch.1.push(line.to_owned());
            Ok(())
        })?;
        send.blocking_send(batch).map_err(|_| gone())
    });
    while let Some((kind, batch)) = batches.recv().await {
        let sql = match kind {
            Line::Decision => lines::INSERT_DECISIONS,
            Line::Outcome => lines::INSERT_OUTCOMES,
        };
        if !batch.is_empty() {
            sqlx::query(sql).bind(batch).execute(&mut *db).await?;
        }
    }
    let read = reading.await.map_err(|error| Error::Internal(error.to_string()))?;
    read.map_err(|error| Error::refused(Code::InvalidField, error.to_string()))
}
