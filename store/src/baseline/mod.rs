//! Adopts a workspace that was migrated before the baseline.
//!
//! The migrations up to [`BASELINE`] replaced thirteen earlier ones and create the same schema. A workspace to which
//! all thirteen were applied needs no migration, but its list of applied migrations names files that no longer exist,
//! so the migrator would refuse it. [`adopt`] compares its schema with the expected one, object by object, and replaces
//! the list. A workspace in any other state is refused with an error that says what to do, and is left unchanged.
//!
//! This folder can be deleted, with its call in `connection.rs` and its tests, once no such workspace is in use.

use std::collections::{BTreeMap, BTreeSet};

use lifecycle::problem::Code;
use sqlx::{
    Connection, PgConnection,
    migrate::{MigrateError, Migrator},
};

use crate::{Error, Result};

/// The version of the baseline's last migration. Later ones are appended, and run on every workspace.
const BASELINE: i64 = 12;

/// The migrations before the baseline: the version of each and the first 8 bytes of its checksum.
const FORMER: [(i64, &str); 13] = [
    (1, "ea8bdb6d95a30d6d"),
    (2, "7b87eb0b4c59e939"),
    (3, "17c92c7bc1578d81"),
    (4, "ba7fab220cdd3759"),
    (5, "e3ad11685df9caca"),
    (6, "5b943ba5ddc91372"),
    (7, "0d3f186b7d3b4314"),
    (8, "88f08f35fd4ec767"),
    (9, "a23ee6f3e03be9a6"),
    (11, "f4af04505ec5977e"),
    (16, "2e29c1e818d38f51"),
    (17, "115d00197653c34f"),
    (18, "977cd441af036bf4"),
];

/// Lists the objects of the schema as `(object, table it belongs to, definition)`.
const CATALOGUE: &str = include_str!("catalogue.sql");

/// The result of [`CATALOGUE`] after the former migrations, and after the baseline: one `object: definition` per line.
const EXPECTED: &str = include_str!("catalogue.txt");

/// The maximum number of differences that an error names.
const MAX_NAMED: usize = 10;

/// The longest definition, in bytes, that an error quotes.
const MAX_QUOTED: usize = 200;

/// Replaces the list of applied migrations if it consists of all former ones and the schema is as expected. Does
/// nothing if none of them is in the list. The caller holds the migrator's lock.
///
/// # Errors
/// Only some of the former migrations were applied, or others besides, or the schema differs. Nothing was changed.
pub(crate) async fn adopt(db: &mut PgConnection, migrations: &Migrator) -> Result<()> {
    let mut tx = db.begin().await?;
    if !is_former(&applied(&mut tx).await?)? {
        return Ok(tx.rollback().await?);
    }
    let differences = differences(&objects(&mut tx).await?);
    if !differences.is_empty() {
        return Err(refused(&format!(
            "the schema of this workspace differs from the one that the previous release made: {}. Undo these \
             differences, then start again",
            summary(&differences)
        )));
    }
    sqlx::query("delete from _sqlx_migrations").execute(&mut *tx).await?;
    migrations.skip(&mut *tx, Some(BASELINE)).await?;
    tx.commit().await?;
    tracing::info!("this workspace was migrated by an earlier release: its migrations are now listed as the baseline");
    Ok(())
}

/// An entry of the list of applied migrations.
#[derive(Debug, sqlx::FromRow)]
struct Applied {
    version: i64,
    /// The first 8 bytes in hexadecimal.
    checksum: String,
    success: bool,
}

/// The list of applied migrations. A database without the list has none.
async fn applied(db: &mut PgConnection) -> Result<Vec<Applied>> {
    let listed: bool =
        sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null").fetch_one(&mut *db).await?;
    if !listed {
        return Ok(Vec::new());
    }
    let applied = sqlx::query_as(
        "select version, left(encode(checksum, 'hex'), 16) as checksum, success from _sqlx_migrations order by version",
    )
    .fetch_all(db)
    .await?;
    Ok(applied)
}

/// Whether the applied migrations are the former ones: all of them or none.
///
/// # Errors
/// Only some of them were applied, or others besides.
fn is_former(applied: &[Applied]) -> Result<bool> {
    let former = |migration: &Applied| FORMER.contains(&(migration.version, migration.checksum.as_str()));
    if !applied.iter().any(former) {
        return Ok(false);
    }
    // The migrator would report the first former migration as unknown; the one it must report is the other.
    if let Some(other) = applied.iter().find(|migration| !former(migration)) {
        return Err(if FORMER.iter().any(|(version, _)| *version == other.version) {
            MigrateError::VersionMismatch(other.version).into()
        } else {
            MigrateError::VersionMissing(other.version).into()
        });
    }
    let complete = applied.iter().filter(|migration| migration.success).count();
    if complete == FORMER.len() {
        return Ok(true);
    }
    Err(refused(&format!(
        "this workspace was made by an earlier release and has {complete} of its {} migrations. Start the previous \
         release once, which applies the others, then start this one again",
        FORMER.len()
    )))
}

/// An object of the schema.
#[derive(Debug, sqlx::FromRow)]
struct Object {
    /// Kind and name, like `column email of people`.
    object: String,
    /// The table or view that the object is or belongs to; `None` for functions.
    relation: Option<String>,
    definition: String,
}

async fn objects(db: &mut PgConnection) -> Result<Vec<Object>> {
    Ok(sqlx::query_as(CATALOGUE).fetch_all(db).await?)
}

/// How the schema differs from the expected one. Tables, views and functions that operators added do not count, nor do
/// their plain indexes on our tables: none of these changes what our statements do.
fn differences(found: &[Object]) -> Vec<String> {
    let expected: BTreeMap<&str, &str> = EXPECTED.lines().filter_map(|line| line.split_once(": ")).collect();
    let tables: BTreeSet<&str> = expected.keys().filter_map(|object| object.strip_prefix("table ")).collect();
    let definitions: BTreeMap<&str, &str> =
        found.iter().map(|found| (found.object.as_str(), found.definition.as_str())).collect();
    let of_expected = expected.iter().filter_map(|(object, expected)| match definitions.get(object) {
        None => Some(format!("{object} is missing")),
        Some(found) if found == expected => None,
        Some(found) if found.len().max(expected.len()) > MAX_QUOTED => Some(format!("{object} is defined otherwise")),
        Some(found) => Some(format!("{object} is `{found}` instead of `{expected}`")),
    });
    let added = found
        .iter()
        .filter(|found| !expected.contains_key(found.object.as_str()) && !found.object.starts_with("index "))
        .filter(|found| found.relation.as_deref().is_some_and(|relation| tables.contains(relation)))
        .map(|found| format!("{} was added", found.object));
    of_expected.chain(added).collect()
}

/// The first differences, and the number of the others.
fn summary(differences: &[String]) -> String {
    let named = differences.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
    match differences.len().saturating_sub(MAX_NAMED) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}

fn refused(detail: &str) -> Error {
    Error::refused(Code::InvalidTransition, format!("{detail}. Nothing was changed."))
}
