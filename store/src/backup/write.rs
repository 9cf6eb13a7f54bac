//! Writing a backup.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use lifecycle::{
    authority::{Actor, Permission, authorize},
    backup::{DATABASE, MANIFEST, Manifest, Part},
};
use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tar::{Builder, Header};
use time::OffsetDateTime;

use super::{
    BackupError,
    programs::{self, Running},
    rows,
};
use crate::{Error, Store, atomic_file, postgres::client_program};

/// The roles that have rights besides the owner.
const ROLES: &str = "select distinct r.rolname::text from (
        select relacl from pg_class where relnamespace = current_schema()::regnamespace
        union all select attacl from pg_attribute join pg_class c on c.oid = attrelid
            where relnamespace = current_schema()::regnamespace
        union all select proacl from pg_proc where pronamespace = current_schema()::regnamespace
        union all select nspacl from pg_namespace where nspname = current_schema()) as rights (acl),
        aclexplode(acl) as given join pg_roles r on r.oid = given.grantee
    where given.grantee <> given.grantor and r.rolname not like 'pg\\_%' order by 1";

/// Files that belong to the database; those that are not there are left out.
#[derive(Debug, Clone)]
pub struct DataFiles {
    /// The newest checkpoint of the audit record.
    pub checkpoint: PathBuf,
    /// The generated keys.
    pub keys: PathBuf,
}

/// Writes a backup of the workspace to `file`, which must not exist; only its owner may read it. `owner` reaches the
/// database as the role that owns the tables. Servers go on meanwhile.
///
/// # Errors
/// Denied without [`Permission::Administer`]; the file exists or cannot be written, no fitting `pg_dump` is installed, or
/// the database failed: then there is no file.
pub async fn write(
    store: &Store,
    actor: &Actor,
    owner: &PgConnectOptions,
    files: &DataFiles,
    file: &Path,
) -> Result<Manifest, BackupError> {
    authorize(actor, Permission::Administer).map_err(Error::from)?;
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    // Before the database is read: a checkpoint must not say more than the record that comes with it.
    let checkpoint = read(&files.checkpoint)?;
    let mut db = PgConnection::connect_with(owner).await?;
    let mut tx = db.begin().await?;
    sqlx::query("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let (at, snapshot, postgres, workspace, schema, audit_entries): (OffsetDateTime, String, i32, String, i64, i64) =
        sqlx::query_as(
            "select now(), pg_export_snapshot(), current_setting('server_version_num')::integer / 10000,
                 (select id::text from workspace), (select max(version) from _sqlx_migrations where success),
                 (select count(*) from policy_lifecycle_audit)",
        )
        .fetch_one(&mut *tx)
        .await?;
    let postgres = postgres.unsigned_abs();
    let program = client_program("pg_dump", postgres)?;
    let rows = rows::count(&mut tx).await?;
    let roles = sqlx::query_scalar(ROLES).fetch_all(&mut *tx).await?;
    let mut manifest = Manifest {
        format_version: Manifest::FORMAT.to_owned(),
        at: at.into(),
        workspace,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        schema,
        postgres,
        parts: BTreeMap::new(),
        rows,
        roles,
        audit_entries: audit_entries.unsigned_abs(),
        key_id: String::new(),
        signature: String::new(),
    };
    let command = programs::dump(&program, owner, &snapshot);
    let (keys, path) = (files.keys.clone(), file.to_owned());
    let ring = store.keys();
    let written = tokio::task::spawn_blocking(move || {
        let mut draft = atomic_file::Draft::new(&path).map_err(BackupError::io("write", &path))?;
        fill(draft.file(), &path, command, checkpoint, &keys, |parts| {
            manifest.parts = parts;
            manifest.sign(&ring).map_err(|error| Error::Internal(error.to_string()))?;
            serde_json::to_vec_pretty(&manifest).map_err(|error| Error::Internal(error.to_string()))
        })?;
        match draft.create().map_err(BackupError::io("write", &path))? {
            true => Ok(manifest),
            false => Err(BackupError::Exists(path)),
        }
    })
    .await
    .map_err(|error| Error::Internal(error.to_string()))?;
    // The snapshot was needed until here.
    tx.rollback().await?;
    db.close().await?;
    written
}

/// Writes all parts, and the manifest that `describe` makes of them.
fn fill(
    file: &mut File,
    path: &Path,
    dump: Command,
    checkpoint: Option<(String, Vec<u8>)>,
    keys: &Path,
    describe: impl FnOnce(BTreeMap<String, Part>) -> Result<Vec<u8>, Error>,
) -> Result<(), BackupError> {
    let failed = || BackupError::io("write", path);
    let mut parts = Parts { archive: Builder::new(file), path, parts: BTreeMap::new() };
    parts.add_output(dump)?;
    if let Some((name, bytes)) = checkpoint {
        parts.add(&name, &bytes)?;
    }
    // After the database was read: a key that was made meanwhile may be known to it.
    if let Some((name, bytes)) = read(keys)? {
        parts.add(&name, &bytes)?;
    }
    let Parts { mut archive, parts, .. } = parts;
    let text = describe(parts)?;
    archive.append_data(&mut header(text.len() as u64), MANIFEST, &*text).map_err(failed())?;
    archive.into_inner().map_err(failed())?;
    Ok(())
}

/// A file's name and content, if it is there.
fn read(path: &Path) -> Result<Option<(String, Vec<u8>)>, BackupError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match fs::read(path) {
        Ok(bytes) => Ok(Some((name, bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BackupError::io("read", path)(error)),
    }
}

fn header(bytes: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header
}

/// The parts that were written, and the archive they were written to.
struct Parts<'a> {
    archive: Builder<&'a mut File>,
    path: &'a Path,
    parts: BTreeMap<String, Part>,
}

impl Parts<'_> {
    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
        let failed = BackupError::io("write", self.path);
        self.archive.append_data(&mut header(bytes.len() as u64), name, bytes).map_err(failed)?;
        let part = Part { bytes: bytes.len() as u64, sha256: hex::encode(Sha256::digest(bytes)) };
        self.parts.insert(name.to_owned(), part);
        Ok(())
    }

    /// Adds the database, as the program writes it.
    fn add_output(&mut self, mut command: Command) -> Result<(), BackupError> {
        let path = self.path;
        let failed = || BackupError::io("write", path);
        let mut program = Running::start("pg_dump", &mut command, Stdio::null(), Stdio::piped())?;
        let mut output = program.output().ok_or_else(|| failed()(io::Error::other("no output")))?;
        let mut header = header(0);
        let mut entry = self.archive.append_writer(&mut header, DATABASE).map_err(failed())?;
        let copied = copy(&mut output, &mut entry);
        // The program waits for its output to be read, and must not be left behind.
        drop(output);
        let part = match copied {
            Ok(part) => part,
            Err(error) => {
                let _ended = program.finish();
                return Err(failed()(error));
            }
        };
        program.finish()?;
        entry.finish().map_err(failed())?;
        self.parts.insert(DATABASE.to_owned(), part);
        Ok(())
    }
}

/// Copies everything; returns how much it was, and its digest.
pub(super) fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<Part> {
    let mut buffer = vec![0; 256 * 1024];
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let some = buffer.get(..read).unwrap_or_default();
        hash.update(some);
        to.write_all(some)?;
        bytes += read as u64;
    }
    Ok(Part { bytes, sha256: hex::encode(hash.finalize()) })
}
