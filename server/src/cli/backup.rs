//! `countersign backup` and `countersign restore`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use lifecycle::{audit::Verdict, backup::Manifest};
use serde_json::json;
use store::{
    Store, atomic_file,
    backup::{self, Backup, DataFiles, MissingRoles},
    postgres::Private,
};

use super::{
    output::{Format, print},
    storage::{StorageArguments, runtime},
};
use crate::{
    auth::local_administrator,
    database::Database,
    error::CliError,
    jobs::CHECKPOINT_FILE,
    signing_keys::{self, Use},
};

/// Write database, keys and checkpoint to one file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign backup workspace.backup --data-dir DIR\n\n\
                  Servers go on meanwhile. The file has a digest of each part and a signature over all of them, is never \
                  written over another, and is readable by its owner only: whoever has it has the generated keys. \
                  A secret given as HMAC_SECRET is not in it.")]
pub struct Write {
    /// The file to write.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    storage: StorageArguments,
}

/// Bring a backup back into an empty place.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign restore workspace.backup --data-dir DIR\n\n\
                  The data directory must be empty or missing, and the database of DATABASE_URL empty. Digests, \
                  signature, the number of rows of each table and the audit record are checked; what fails is taken away \
                  again. With a key of yours, give HMAC_SECRET and HMAC_KEY_ID as the server has them.")]
pub struct Restore {
    /// The file to read.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    storage: StorageArguments,
}

/// Writes a backup.
pub fn write(arguments: &Write, format: Format) -> Result<ExitCode, CliError> {
    let Write { file, storage } = arguments;
    let data_dir = storage.directory()?;
    let files = DataFiles { checkpoint: data_dir.join(CHECKPOINT_FILE), keys: data_dir.join(signing_keys::FILE) };
    let manifest = storage.with_owner(async |store, owner| {
        backup::write(&store, &local_administrator(), &owner, &files, file).await.map_err(CliError::from)
    })?;
    let shown = json!({ "file": file, "manifest": manifest });
    print(format, &shown, || {
        let keys = if manifest.parts.contains_key(signing_keys::FILE) {
            "keys included"
        } else {
            "without keys: keep HMAC_SECRET apart"
        };
        format!("{} has {}; {keys}", file.display(), described(&manifest))
    });
    Ok(ExitCode::SUCCESS)
}

/// Brings a backup back.
pub fn restore(arguments: &Restore, format: Format) -> Result<ExitCode, CliError> {
    let Restore { file, storage } = arguments;
    let backup = Backup::open(file)?;
    let place = Place::prepare(storage)?;
    let restored = place.write_files(&backup).and_then(|()| bring_back(storage, &place.data_dir, &backup));
    let verdict = restored.inspect_err(|_| place.clear())?;
    let (manifest, data_dir) = (&backup.manifest, place.data_dir.display());
    if !verdict.valid {
        // Nothing but the signed file was brought back, so the record was like this before. It may be all that is left.
        return Err(CliError::Refused(format!(
            "restored {} to {data_dir}, but its audit record is not whole, and was not when the backup was written: {}",
            described(manifest),
            verdict.message
        )));
    }
    print(format, &json!({ "data_dir": place.data_dir, "manifest": manifest }), || {
        format!("restored {} to {data_dir}; the audit record is whole", described(manifest))
    });
    Ok(ExitCode::SUCCESS)
}

fn described(manifest: &Manifest) -> String {
    let decisions = manifest.rows.get("policy_decisions").copied().unwrap_or_default();
    format!("the workspace of {}: {} audit entries, {decisions} decisions", manifest.at, manifest.audit_entries)
}

/// Brings the database back, and checks the record with the keys of the backup.
fn bring_back(storage: &StorageArguments, data_dir: &Path, backup: &Backup) -> Result<Verdict, CliError> {
    let ring = signing_keys::ring(&storage.keys, data_dir, Use::Verify)?.ok_or_else(|| {
        CliError::Refused(format!(
            "`{}` has no keys in it: give the workspace's key as HMAC_SECRET with HMAC_KEY_ID={}",
            data_dir.display(),
            backup.manifest.key_id
        ))
    })?;
    backup.verify(&ring)?;
    let database = Database::open(storage.database_url.as_deref(), storage.migrate_url.as_deref(), data_dir)?;
    let result = runtime()?.block_on(async {
        let owner = database.writable_as_owner().await?;
        let missing_roles = if database.is_private() { MissingRoles::Make } else { MissingRoles::Refuse };
        backup.bring_back(&owner, missing_roles).await?;
        store::migrate(&owner).await?;
        let store = Store::connect(database.hosts(), ring).await?.with_checkpoint_file(&data_dir.join(CHECKPOINT_FILE));
        let verdict = store::audit::verify(&store, &local_administrator()).await?;
        store.close().await;
        Ok(verdict)
    });
    database.close();
    result
}

/// An empty data directory.
struct Place {
    data_dir: PathBuf,
    /// Whether it was made for this.
    made: bool,
}

impl Place {
    fn prepare(storage: &StorageArguments) -> Result<Self, CliError> {
        let wanted = storage.wanted_directory()?;
        let taken = std::fs::read_dir(&wanted).is_ok_and(|mut files| files.next().is_some());
        if taken {
            return Err(CliError::Refused(format!(
                "`{}` is not empty: a backup is restored to a place of its own; name another with --data-dir",
                wanted.display()
            )));
        }
        let made = !wanted.exists();
        let data_dir = storage.directory()?;
        // As root, they may lie apart from the data directory.
        if storage.database_url.is_none() && Private::exists(&data_dir) {
            return Err(CliError::Refused(format!(
                "there is a private PostgreSQL for `{}` already: name another directory with --data-dir",
                data_dir.display()
            )));
        }
        Ok(Self { data_dir, made })
    }

    /// Writes the keys and the checkpoint.
    fn write_files(&self, backup: &Backup) -> Result<(), CliError> {
        for name in [signing_keys::FILE, CHECKPOINT_FILE] {
            let Some(bytes) = backup.file(name) else { continue };
            let path = self.data_dir.join(name);
            atomic_file::write(&path, bytes)
                .map_err(|error| CliError::Usage(format!("cannot write `{}`: {error}", path.display())))?;
        }
        Ok(())
    }

    /// Takes away what was written. The place was empty.
    fn clear(&self) {
        Private::remove(&self.data_dir);
        for entry in std::fs::read_dir(&self.data_dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let _left = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        }
        if self.made {
            let _left = std::fs::remove_dir(&self.data_dir);
        }
    }
}
