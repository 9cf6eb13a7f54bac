//! Creating and editing drafts. Editing a bundle that was submitted or approved withdraws it: its packet and every
//! approval on that packet are void.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    bundle::{Provenance, Record, State, state::Command},
    problem::{Code, Problem},
    review::PacketStatus,
};
use policy::{
    bundle::{Source, version},
    limits::MAX_NOTES_CHARS,
};
use serde_json::json;
use sqlx::PgConnection;

use super::{
    authors::{add_authors, unreviewed_authors_locked},
    row::{self, COLUMNS, Row},
};
use crate::{Error, Result, Store, json, work::Work};

/// Maximum length of a version, in bytes; `SemVer` itself sets no limit.
const MAX_VERSION_BYTES: usize = 64;

/// Creates a draft. A draft without a version gets the next one.
///
/// # Errors
/// Denied without [`Permission::EditDrafts`]; `version_exists`; text that cannot be stored.
pub async fn create(store: &Store, actor: &Actor, source: Source) -> Result<Record> {
    let permit = authorize(actor, Permission::EditDrafts)?;
    let mut work = Work::begin(store, permit).await?;
    let row = insert(&mut work, source, &[], "made", None).await?;
    work.commit().await?;
    row.record()
}

/// Copies any bundle into a new draft, with that bundle's version as its base.
///
/// # Errors
/// Denied without [`Permission::EditDrafts`]; no such bundle.
pub async fn clone_draft(store: &Store, actor: &Actor, id: i64) -> Result<Record> {
    let permit = authorize(actor, Permission::EditDrafts)?;
    let mut work = Work::begin(store, permit).await?;
    let original = row::by_id(work.db(), id).await?;
    let version = original.version.clone();
    let source = Source { version: None, base_version: Some(version.clone()), ..original.source()? };
    let row = insert(&mut work, source, &[], &format!("cloned from {version}"), None).await?;
    work.commit().await?;
    row.record()
}

/// Saves a draft that was edited at `revision`. Without a version the draft keeps its own.
///
/// # Errors
/// Denied without [`Permission::EditDrafts`]; `precondition_failed` with `current_revision` when another person saved
/// first; `invalid_transition` when its state does not allow edits; `version_exists`.
pub async fn update(store: &Store, actor: &Actor, id: i64, revision: i64, source: Source) -> Result<Record> {
    let permit = authorize(actor, Permission::EditDrafts)?;
    check_text(&source)?;
    let mut work = Work::begin(store, permit).await?;
    let before = row::by_id_locked(work.db(), id).await?;
    if before.revision != revision {
        let detail = format!(
            "bundle {} was changed meanwhile: you edited revision {revision}, it is now at {}",
            before.version, before.revision
        );
        return Err(Problem::new(Code::PreconditionFailed, detail)
            .with("current_revision", before.revision)
            .with("state", before.state.as_str())
            .into());
    }
    let state = before.state()?.apply(Command::Edit).map_err(Problem::from)?;
    let base_version = source.base_version.clone().or_else(|| before.base_version.clone());
    let (version, chosen) = next_version(&mut work, &before, &source, base_version.as_deref()).await?;
    let digest = source.digest();
    let mut authors = before.authors.clone();
    add_authors(&mut authors, [actor.name.clone()]);
    add_authors(&mut authors, unreviewed_authors_locked(&mut work, digest.as_str()).await?);
    let sql = concatcp!(
        "update policy_bundles set version = $2, content = $3::json, digest = $4, rule_count = $5, notes = $6,
             base_version = $7, authors = $8, state = $9,
             version_chosen = $10, updated_at = now(), revision = revision + 1
         where id = $1 returning ",
        COLUMNS
    );
    let after: Row = sqlx::query_as(sql)
        .bind(id)
        .bind(&version)
        .bind(json::text(&row::content(&source)?)?)
        .bind(digest.as_str())
        .bind(count(&source))
        .bind(&source.notes)
        .bind(&base_version)
        .bind(&authors[..])
        .bind(state.name())
        .bind(chosen)
        .fetch_one(work.db())
        .await
        .map_err(|error| Error::taken(error, Code::VersionExists, "another bundle already has this version number"))?;
    let detail = json!({
        "version": version, "from_state": before.state, "to_state": state.name(),
        "digest_before": before.digest, "digest": after.digest, "revision": after.revision,
    });
    work.note(EventType::DraftEdited, "bundle", id, format!("draft {version} was saved"), detail);
    void_packet(&mut work, &before, "edited").await?;
    work.commit().await?;
    after.record()
}

/// Withdraws a bundle from review or approval.
///
/// # Errors
/// Denied without [`Permission::EditDrafts`]; `invalid_transition` when it is neither in review nor approved.
pub async fn withdraw(store: &Store, actor: &Actor, id: i64) -> Result<Record> {
    let permit = authorize(actor, Permission::EditDrafts)?;
    let mut work = Work::begin(store, permit).await?;
    let before = row::by_id_locked(work.db(), id).await?;
    let from = before.state()?;
    if !matches!(from, State::InReview | State::Approved) {
        let detail =
            format!("bundle {} is `{from}`: only what is in review or approved can be withdrawn", before.version);
        return Err(Problem::new(Code::InvalidTransition, detail)
            .with("from", from.name())
            .with("to", State::Draft.name())
            .into());
    }
    let state = from.apply(Command::Edit).map_err(Problem::from)?;
    let sql = concatcp!(
        "update policy_bundles set state = $2, updated_at = now(), revision = revision + 1 where id = $1 returning ",
        COLUMNS
    );
    let after: Row = sqlx::query_as(sql).bind(id).bind(state.name()).fetch_one(work.db()).await?;
    let detail = json!({"version": after.version, "from_state": before.state, "to_state": state.name()});
    work.note(EventType::Withdrawn, "bundle", id, format!("{} was withdrawn", after.version), detail);
    void_packet(&mut work, &before, "withdrawn").await?;
    work.commit().await?;
    after.record()
}

/// The version of a saved draft, and whether its author chose it. A proposed version that the author left alone is
/// proposed again when the content needs a larger step.
async fn next_version(
    work: &mut Work,
    before: &Row,
    source: &Source,
    base_version: Option<&str>,
) -> Result<(String, bool)> {
    if let Some(version) = &source.version
        && (before.version_chosen || *version != before.version)
    {
        return Ok((version.clone(), true));
    }
    if before.version_chosen {
        return Ok((before.version.clone(), true));
    }
    let taken = row::versions(work.db(), Some(before.id)).await?;
    let base = base_of(work.db(), base_version).await?;
    let base = base.as_ref().map(|(version, content)| (version.as_str(), content));
    let version = match version::check(&before.version, base, source, &taken) {
        Ok(_) => before.version.clone(),
        Err(_) => version::propose(base, source, &taken).version,
    };
    Ok((version, false))
}

/// The base that a draft's version is counted from: the bundle the draft was made from or, if that bundle is not stored
/// here, stable.
pub(crate) async fn base_of(db: &mut PgConnection, base_version: Option<&str>) -> Result<Option<(String, Source)>> {
    let named = match base_version {
        Some(version) => row::by_version(db, version).await?,
        None => None,
    };
    let base = match named {
        Some(base) => Some(base),
        None => row::stable(db).await?,
    };
    base.map(|base| Ok((base.version.clone(), base.source()?))).transpose()
}

/// Adds a draft with `source` as its content. `others` are further authors of it, besides those of the same content here; an imported draft has a provenance.
pub(super) async fn insert(
    work: &mut Work,
    source: Source,
    others: &[String],
    how: &str,
    provenance: Option<&Provenance>,
) -> Result<Row> {
    check_text(&source)?;
    let by = work.actor().name.clone();
    let digest = source.digest();
    let mut authors = vec![by.clone()];
    add_authors(&mut authors, others.iter().cloned());
    add_authors(&mut authors, unreviewed_authors_locked(work, digest.as_str()).await?);
    let base = base_of(work.db(), source.base_version.as_deref()).await?;
    let base_version = source.base_version.clone().or_else(|| base.as_ref().map(|(version, _)| version.clone()));
    // Two drafts may get the same proposal at once: the slower one asks for the next.
    for attempt in 1.. {
        let version = match &source.version {
            Some(version) => version.clone(),
            None => propose(work, base.as_ref(), &source).await?,
        };
        let sql = concatcp!(
            "insert into policy_bundles (version, content, digest, rule_count, notes, base_version, authors, created_by,
                 created_at, updated_at, version_chosen, provenance)
             values ($1, $2::json, $3, $4, $5, $6, $9, $7, now(), now(), $8, $10::json)
             on conflict (version) do nothing returning ",
            COLUMNS
        );
        let inserted: Option<Row> = sqlx::query_as(sql)
            .bind(&version)
            .bind(json::text(&row::content(&source)?)?)
            .bind(digest.as_str())
            .bind(count(&source))
            .bind(&source.notes)
            .bind(&base_version)
            .bind(&by)
            .bind(source.version.is_some())
            .bind(&authors[..])
            .bind(provenance.map(|provenance| json::text(&json!(provenance))).transpose()?)
            .fetch_optional(work.db())
            .await?;
        match inserted {
            Some(row) => {
                let mut detail = json!({
                    "version": version, "to_state": row.state, "digest": row.digest, "base_version": base_version,
                    "how": how,
                });
                if let Some(provenance) = provenance {
                    detail["provenance"] = json!(provenance);
                }
                work.note(EventType::DraftCreated, "bundle", row.id, format!("draft {version} was {how}"), detail);
                return Ok(row);
            }
            None if source.version.is_some() || attempt > 5 => {
                let next = propose(work, base.as_ref(), &source).await?;
                let detail = format!("version {version} exists already; the next free one is {next}");
                return Err(Problem::new(Code::VersionExists, detail).with("next", next).into());
            }
            None => {}
        }
    }
    Err(Error::Internal("no version could be proposed".into()))
}

/// The next version for `source`.
async fn propose(work: &mut Work, base: Option<&(String, Source)>, source: &Source) -> Result<String> {
    let taken = row::versions(work.db(), None).await?;
    let base = base.map(|(version, content)| (version.as_str(), content));
    Ok(version::propose(base, source, &taken).version)
}

/// Voids the packet with which `bundle` is in review or approved, if there is one.
async fn void_packet(work: &mut Work, bundle: &Row, how: &str) -> Result<()> {
    let voided: Option<String> = sqlx::query_scalar(
        "update policy_packets set status = $2 where bundle_id = $1 and status in ('in_review', 'approved')
         returning packet_id",
    )
    .bind(bundle.id)
    .bind(PacketStatus::Void.name())
    .fetch_optional(work.db())
    .await?;
    if let Some(packet_id) = voided {
        let summary = format!("the packet of {} and its approvals are void: the bundle was {how}", bundle.version);
        let detail = json!({"bundle_id": bundle.id, "version": bundle.version});
        work.note(EventType::PacketVoided, "packet", packet_id, summary, detail);
    }
    Ok(())
}

/// Refuses text that a column cannot store. Everything else about a draft is up to the linter.
fn check_text(source: &Source) -> Result<()> {
    if let Some(version) = &source.version
        && (version.is_empty() || version.len() > MAX_VERSION_BYTES || version.chars().any(char::is_control))
    {
        let detail = format!("a version is three numbers like `2.4.0`, at most {MAX_VERSION_BYTES} bytes");
        return Err(Problem::invalid_field("/version", detail).into());
    }
    if source.notes.chars().count() > MAX_NOTES_CHARS {
        let detail = format!("notes have at most {MAX_NOTES_CHARS} characters");
        return Err(Problem::invalid_field("/notes", detail).into());
    }
    let base = source.base_version.as_deref().unwrap_or_default();
    for (pointer, text) in [("/notes", source.notes.as_str()), ("/base_version", base)] {
        if text.contains('\0') {
            return Err(Problem::invalid_field(pointer, "the character NUL cannot be kept").into());
        }
    }
    Ok(())
}

fn count(source: &Source) -> i32 {
    i32::try_from(source.rules.len()).unwrap_or(i32::MAX)
}
