//! Moving bundles between instances: exporting them as signed files, verifying such files, and importing them as
//! drafts.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    bundle::{Provenance, Record},
    problem::{Code, Problem},
    signing::PublicKey,
    transfer::{
        Algorithm, Export, Preview, PreviewedDraft, Upload, Verification,
        export::{ExportRefused, HOURS, export_with as sign_export},
        open_with_partners,
    },
};
use policy::{
    Fault, Timestamp,
    bundle::{Invariant, Source, version},
    lint,
};
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{edit, row};
use crate::{Error, Result, Store, partner_keys, settings, work::Work};

/// Maximum length of an author's name that is taken from a file, in bytes: that of an email address.
const MAX_NAME_BYTES: usize = 254;

/// The result of an import.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Imported {
    /// The new draft, with its provenance.
    #[serde(flatten)]
    pub bundle: Record,
    /// The result in a sentence.
    pub message: String,
    /// The verdict on the file.
    pub verification: Verification,
    /// The linter's findings on the draft.
    pub lint: lint::Report,
}

/// Signs a bundle, in any state; the signature is valid for `hours` from now on.
///
/// # Errors
/// Denied without [`Permission::EditDrafts`]; no such bundle; hours out of range.
pub async fn export(store: &Store, actor: &Actor, id: i64, hours: u32) -> Result<Export> {
    export_with(store, actor, Algorithm::HmacSha256, id, hours).await
}

/// Exports as [`export`] does, signed as `algorithm` says.
///
/// # Errors
/// As [`export`].
pub async fn export_with(store: &Store, actor: &Actor, algorithm: Algorithm, id: i64, hours: u32) -> Result<Export> {
    let permit = authorize(actor, Permission::EditDrafts)?;
    if !HOURS.contains(&hours) {
        return Err(Problem::invalid_field("/expiry_hours", ExportRefused::Hours(hours).to_string()).into());
    }
    let mut work = Work::begin(store, permit).await?;
    let bundle = row::by_id(work.db(), id).await?;
    let signed = sign_export(&store.keys(), algorithm, &bundle.source()?, Some(&bundle.created_by), work.now, hours)
        .map_err(|refused| Error::Internal(format!("bundle {id} could not be signed: {refused}")))?;
    let detail = json!({
        "version": bundle.version, "digest": signed.digest, "key_id": signed.key_id, "expires_at": signed.expires_at,
    });
    let summary = format!("{} was exported, valid until {}", bundle.version, signed.expires_at);
    work.note(EventType::Exported, "bundle", id, summary, detail);
    work.commit().await?;
    Ok(signed)
}

/// Verifies a file.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn verify(store: &Store, actor: &Actor, document: Value) -> Result<Verification> {
    authorize(actor, Permission::Read)?;
    let now = now(store).await?;
    let partners = partner_keys::trusted(store.pool()).await?;
    let keys = store.keys();
    store.heavy().run(&actor.name, move || open_with_partners(&keys, &partners, &document, now).0).await
}

/// The effect of importing the file; nothing is written. A refused file is an answer here, not an error.
///
/// # Errors
/// Denied without [`Permission::EditDrafts`]; an unsigned file that is not a bundle.
pub async fn preview_import(store: &Store, actor: &Actor, upload: Upload) -> Result<Preview> {
    authorize(actor, Permission::EditDrafts)?;
    let opened = match open(store, actor, upload).await? {
        Ok(opened) => opened,
        Err(verification) => return Ok(Preview { verification, draft: None }),
    };
    let mut db = store.pool().acquire().await?;
    let taken = row::versions(&mut db, None).await?;
    let base = edit::base_of(&mut db, opened.source.base_version.as_deref()).await?;
    let stable = row::stable(&mut db).await?.map(|row| row.source()).transpose()?;
    drop(db);
    let preview = move || {
        let Opened { verification, source, created_by, lint, .. } = opened;
        let base = base.as_ref().map(|(version, content)| (version.as_str(), content));
        let draft = PreviewedDraft::of(&source, created_by, lint, base, stable.as_ref(), &taken);
        Preview { verification, draft: Some(draft) }
    };
    store.heavy().run(&actor.name, preview).await
}

/// Imports a file as a draft. A signed file must be valid; a file without a signature by one of this instance's keys,
/// or by a partner's that is trusted, is imported only if the upload says `unsigned`. Lint errors do not prevent an import.
///
/// # Errors
/// Denied without [`Permission::EditDrafts`]; `invalid_signature` with the `verdict`; `version_exists` with the `next`
/// free one; a bundle or version that cannot be read.
pub async fn import(store: &Store, actor: &Actor, upload: Upload) -> Result<Imported> {
    let permit = authorize(actor, Permission::EditDrafts)?;
    let opened = match open(store, actor, upload).await? {
        Ok(opened) => opened,
        Err(verification) => return Err(refusal(&verification).into()),
    };
    let mut work = Work::begin(store, permit).await?;
    let provenance = Provenance {
        signed: opened.verification.valid,
        imported_at: work.now,
        imported_by: actor.name.clone(),
        version: opened.file_version,
        digest: opened.source.digest().to_string(),
        created_by: opened.created_by,
        key_id: opened.verification.key_id.clone().filter(|_| opened.verification.valid),
        exported_at: opened.verification.exported_at.filter(|_| opened.verification.valid),
        signature: opened.signature.filter(|_| opened.verification.valid),
    };
    let how = format!("imported {}", provenance.describe());
    // The author of this content elsewhere must not be able to approve it after importing it from a file.
    let writers: Vec<String> = provenance.created_by.clone().filter(|name| is_name(name)).into_iter().collect();
    let row = edit::insert(&mut work, opened.source, &writers, &how, Some(&provenance)).await.map_err(hint_rename)?;
    work.commit().await?;
    let bundle = row.record()?;
    let message = format!("draft {} was {how}", bundle.version);
    Ok(Imported { bundle, message, verification: opened.verification, lint: opened.lint })
}

/// Whether a file's `created_by` may be a person's name.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.chars().any(char::is_control)
}

/// The problem with which a refused file is answered.
fn refusal(verification: &Verification) -> Problem {
    let mut problem = Problem::new(Code::InvalidSignature, verification.message.clone())
        .with("verdict", verification.verdict.name())
        .with("unsigned", verification.unsigned);
    for (name, value) in [
        ("field", verification.field.clone()),
        ("key_id", verification.key_id.clone()),
        ("expires_at", verification.expires_at.map(|at| at.to_string())),
    ] {
        if let Some(value) = value {
            problem = problem.with(name, value);
        }
    }
    if verification.unsigned {
        problem.detail.push_str(" Send `\"unsigned\": true` beside `bundle` to do that.");
    }
    problem
}

/// Adds a hint to `version_exists`: how to import the file under another version.
fn hint_rename(error: Error) -> Error {
    match error {
        Error::Refused(mut problem) if problem.code == Code::VersionExists => {
            problem.detail.push_str("; import it under another number with `import_as_version`");
            Error::Refused(problem)
        }
        other => other,
    }
}

/// A file that may become a draft.
struct Opened {
    verification: Verification,
    /// The bundle, with the version that the draft gets.
    source: Source,
    file_version: Option<String>,
    created_by: Option<String>,
    signature: Option<String>,
    lint: lint::Report,
}

/// Verifies the file, reads its bundle and lints it. The inner error is the verdict on a refused file.
async fn open(store: &Store, actor: &Actor, upload: Upload) -> Result<std::result::Result<Opened, Verification>> {
    if let Some(version) = &upload.import_as_version {
        version::parse(version).map_err(|_| {
            let detail = format!("`{version}` is not a version: write three numbers such as 2.4.1");
            Problem::invalid_field("/import_as_version", detail)
        })?;
    }
    let now = now(store).await?;
    let invariants = settings::load_invariants(store.pool()).await?;
    let partners = partner_keys::trusted(store.pool()).await?;
    let used = store.clone();
    store.heavy().run(&actor.name, move || verify_and_lint(&used, &partners, upload, now, &invariants)).await?
}

fn verify_and_lint(
    store: &Store,
    partners: &[PublicKey],
    upload: Upload,
    now: Timestamp,
    invariants: &[Invariant],
) -> Result<std::result::Result<Opened, Verification>> {
    let (verification, signed) = open_with_partners(&store.keys(), partners, &upload.document, now);
    let text = |pointer: &str| upload.document.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let created_by = text("/bundle/created_by").or_else(|| text("/created_by"));
    let signature = text("/signature");
    let import_as = upload.import_as_version.clone();
    let mut source = match signed {
        Some(source) => source,
        None if verification.unsigned && upload.unsigned => {
            let below = if upload.document.get("bundle").is_some() { "/bundle" } else { "" };
            Source::read(upload.bundle()).map_err(|faults| {
                let place = |fault: Fault| Fault::new(format!("{below}{}", fault.pointer), fault.detail);
                Problem::invalid_fields(faults.into_iter().map(place).collect())
            })?
        }
        None => return Ok(Err(verification)),
    };
    let file_version = source.version.clone();
    if import_as.is_some() {
        source.version = import_as;
    }
    let lint = lint::lint_against(&source, invariants);
    Ok(Ok(Opened { verification, source, file_version, created_by, signature, lint }))
}

/// The database's clock.
async fn now(store: &Store) -> Result<Timestamp> {
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(store.pool()).await?;
    Ok(now.into())
}
