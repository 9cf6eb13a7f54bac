//! Reading a backup, and bringing its database back.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    process::Stdio,
};

use lifecycle::{
    backup::{DATABASE, MANIFEST, Manifest, Part},
    signing::{KeyRing, SignatureError},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tar::Archive;

use super::{
    BackupError,
    programs::{self, Running},
    rows,
    write::copy,
};
use crate::{Error, connection::newest_migration, postgres::client_program};

/// The largest part that is not the database, in bytes.
const SMALL: u64 = 16 * 1024 * 1024;

/// What to do about roles that have rights in a backup and are not at the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingRoles {
    /// Make them, as roles that cannot sign in: the server has no other use.
    Make,
    /// Leave them to who looks after the server.
    Refuse,
}

/// A backup whose parts are all there and as they were written.
#[derive(Debug)]
pub struct Backup {
    file: PathBuf,
    /// What the backup says about itself.
    pub manifest: Manifest,
    /// The parts that are not the database, by name.
    files: BTreeMap<String, Vec<u8>>,
}

impl Backup {
    /// Reads the whole file and compares every part with its digest. The signature is checked by [`Self::verify`], once
    /// there are keys.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] when the file is no backup, a later program wrote it, or it is not what was written.
    pub fn open(file: &Path) -> Result<Self, BackupError> {
        let damaged = |why: String| BackupError::Damaged { path: file.to_owned(), why };
        let mut archive = open(file)?;
        let (mut found, mut files) = (BTreeMap::new(), BTreeMap::new());
        let unreadable = |error: io::Error| damaged(format!("it is no backup, or the end is missing: {error}"));
        for entry in archive.entries().map_err(unreadable)? {
            let mut entry = entry.map_err(unreadable)?;
            let name = entry.path().map_err(unreadable)?.to_string_lossy().into_owned();
            let part = if name == DATABASE {
                copy(&mut entry, &mut io::sink()).map_err(unreadable)?
            } else {
                let mut bytes = Vec::new();
                let part = copy(&mut entry.by_ref().take(SMALL), &mut bytes).map_err(unreadable)?;
                files.insert(name.clone(), bytes);
                part
            };
            if found.insert(name.clone(), part).is_some() {
                return Err(damaged(format!("it has two parts `{name}`")));
            }
        }
        found.remove(MANIFEST);
        let text =
            files.remove(MANIFEST).ok_or_else(|| damaged("it has no manifest, so it is not whole".to_owned()))?;
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| damaged(format!("its manifest cannot be read: {error}")))?;
        let backup = Self { file: file.to_owned(), manifest, files };
        backup.check(&found).map_err(damaged)?;
        Ok(backup)
    }

    fn check(&self, found: &BTreeMap<String, Part>) -> Result<(), String> {
        let Manifest { format_version, program, schema, parts, .. } = &self.manifest;
        if format_version != Manifest::FORMAT || *schema > newest_migration() {
            return Err(format!("Countersign {program} wrote it, which is newer than this program"));
        }
        for (name, part) in parts {
            match found.get(name) {
                None => return Err(format!("its part `{name}` is missing")),
                Some(found) if found != part => return Err(format!("its part `{name}` is not what was written")),
                Some(_) => {}
            }
        }
        if let Some(other) = found.keys().find(|name| !parts.contains_key(*name)) {
            return Err(format!("it has a part `{other}` that was not written with it"));
        }
        if parts.contains_key(DATABASE) { Ok(()) } else { Err("it has no database".to_owned()) }
    }

    /// Checks the signature of the manifest.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] when the key is missing, or something was changed.
    pub fn verify(&self, keys: &KeyRing) -> Result<(), BackupError> {
        self.manifest.verify(keys).map_err(|refusal| {
            let why = match refusal {
                SignatureError::UnknownKey(id) => format!(
                    "it is signed with the key `{id}`, which is neither in it nor given: give it as HMAC_SECRET with \
                     HMAC_KEY_ID={id}"
                ),
                SignatureError::Mismatch | SignatureError::Malformed(_) => {
                    "its manifest is not what was signed".to_owned()
                }
            };
            BackupError::Damaged { path: self.file.clone(), why }
        })
    }

    /// A part that is not the database.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// Brings the database back into an empty one, all of it or nothing, and compares the number of rows of each table.
    /// `owner` is the role that is to own the tables.
    ///
    /// # Errors
    /// [`BackupError::NotEmpty`] when the database holds anything; [`BackupError::MissingRoles`]; no fitting `pg_restore`
    /// is installed, or it failed.
    pub async fn bring_back(&self, owner: &PgConnectOptions, missing_roles: MissingRoles) -> Result<(), BackupError> {
        let mut db = PgConnection::connect_with(owner).await?;
        let present = rows::count(&mut db).await?;
        if let Some(table) = present.keys().next() {
            return Err(BackupError::NotEmpty(format!(
                "the database is not empty (it has a table `{table}`): make an empty one, and restore into that"
            )));
        }
        self.provide_roles(&mut db, missing_roles).await?;
        let version: i32 = sqlx::query_scalar("select current_setting('server_version_num')::integer / 10000")
            .fetch_one(&mut db)
            .await?;
        let program = client_program("pg_restore", self.manifest.postgres.max(version.unsigned_abs()))?;
        let (command, file) = (programs::restore(&program, owner), self.file.clone());
        tokio::task::spawn_blocking(move || feed(command, &file))
            .await
            .map_err(|error| Error::Internal(error.to_string()))??;
        rows::compare(&self.manifest.rows, &rows::count(&mut db).await?)?;
        sqlx::query("analyze").execute(&mut db).await?;
        db.close().await?;
        Ok(())
    }

    async fn provide_roles(&self, db: &mut PgConnection, missing: MissingRoles) -> Result<(), BackupError> {
        let statements: Vec<String> = sqlx::query_scalar(
            "select format('create role %I nologin', name) from unnest($1) as name
             where not exists (select from pg_roles where rolname = name) order by name",
        )
        .bind(&self.manifest.roles)
        .fetch_all(&mut *db)
        .await?;
        if missing == MissingRoles::Refuse && !statements.is_empty() {
            return Err(BackupError::MissingRoles(statements));
        }
        for statement in statements {
            // PostgreSQL itself quoted the name.
            sqlx::query(AssertSqlSafe(statement)).execute(&mut *db).await?;
        }
        Ok(())
    }
}

fn open(file: &Path) -> Result<Archive<BufReader<File>>, BackupError> {
    Ok(Archive::new(BufReader::new(File::open(file).map_err(BackupError::io("read", file))?)))
}

/// Runs a program on the database part of a file.
fn feed(mut command: std::process::Command, file: &Path) -> Result<(), BackupError> {
    let failed = || BackupError::io("read", file);
    let mut archive = open(file)?;
    for entry in archive.entries().map_err(failed())? {
        let mut entry = entry.map_err(failed())?;
        if entry.path().map_err(failed())?.to_str() != Some(DATABASE) {
            continue;
        }
        let mut program = Running::start("pg_restore", &mut command, Stdio::piped(), Stdio::null())?;
        let fed = program.input().map(|mut input| copy(&mut entry, &mut input));
        // What the program says is the better reason: when it has given up, it reads no more.
        program.finish()?;
        return fed.transpose().map(drop).map_err(failed());
    }
    Err(BackupError::Damaged { path: file.to_owned(), why: "it has no database".to_owned() })
}
