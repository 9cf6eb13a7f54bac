//! A bundle's row, and the few statements every use case about bundles shares.

use const_format::concatcp;
use lifecycle::bundle::{Provenance, Record, State, record::Summary};
use policy::{Timestamp, bundle::Source};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;

use crate::{Error, Result, names};

/// The columns of [`Row`], in every statement that reads whole bundles.
pub(crate) const COLUMNS: &str = "id, version, version_chosen, state, active, canary_pct, content, digest, base_version, authors, \
     created_by, created_at, updated_at, stage_started_at, activated_at, activated_by, revision, provenance";

/// Reads whole bundles.
const SELECT: &str = concatcp!("select ", COLUMNS, " from policy_bundles ");

/// A bundle as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Row {
    pub id: i64,
    pub version: String,
    pub version_chosen: bool,
    pub state: String,
    pub active: bool,
    pub canary_pct: i16,
    pub content: Json<Value>,
    pub digest: String,
    pub base_version: Option<String>,
    pub authors: Vec<String>,
    pub created_by: String,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub stage_started_at: Option<OffsetDateTime>,
    pub activated_at: Option<OffsetDateTime>,
    pub activated_by: Option<String>,
    pub revision: i64,
    pub provenance: Option<Json<Provenance>>,
}

impl Row {
    pub fn state(&self) -> Result<State> {
        names::state(&self.state)
    }

    pub fn stage_started(&self) -> Option<Timestamp> {
        self.stage_started_at.map(Into::into)
    }

    /// The document, with the version and base version from their columns.
    pub fn source(&self) -> Result<Source> {
        let mut source = read_content(&self.content.0)?;
        source.version = Some(self.version.clone());
        source.base_version.clone_from(&self.base_version);
        Ok(source)
    }

    pub fn record(self) -> Result<Record> {
        let state = self.state()?;
        let source = read_content(&self.content.0)?;
        Ok(Record {
            id: self.id,
            version: self.version,
            format: source.format,
            state,
            active: self.active,
            canary_pct: self.canary_pct,
            digest: self.digest,
            rules: source.rules,
            default_effect: source.default_effect,
            on_error: source.on_error,
            schema: source.schema,
            notes: source.notes,
            metadata: source.metadata,
            base_version: self.base_version,
            created_by: self.created_by,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
            activated_at: self.activated_at.map(Into::into),
            activated_by: self.activated_by,
            revision: self.revision,
            provenance: self.provenance.map(|provenance| provenance.0),
            unknown: source.unknown,
        })
    }
}

/// Reads back what [`content`] wrote.
fn read_content(content: &Value) -> Result<Source> {
    serde::Deserialize::deserialize(content).map_err(|error| Error::damaged(format!("bundle content: {error}")))
}

/// The stored content of a document: everything that has no column of its own.
pub(crate) fn content(source: &Source) -> Result<Value> {
    let content = Source { version: None, base_version: None, ..source.clone() };
    serde_json::to_value(&content).map_err(Error::damaged)
}

/// A bundle's row without its content.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct SummaryRow {
    pub id: i64,
    pub version: String,
    pub state: String,
    pub active: bool,
    pub canary_pct: i16,
    pub digest: String,
    pub rule_count: i32,
    pub notes: String,
    pub base_version: Option<String>,
    pub created_by: String,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub activated_at: Option<OffsetDateTime>,
}

/// The columns of [`SummaryRow`].
pub(crate) const SUMMARY_COLUMNS: &str = "id, version, state, active, canary_pct, digest, rule_count, notes, \
     base_version, created_by, created_at, updated_at, activated_at";

impl SummaryRow {
    pub fn read(self) -> Result<Summary> {
        Ok(Summary {
            id: self.id,
            state: names::state(&self.state)?,
            version: self.version,
            active: self.active,
            canary_pct: self.canary_pct,
            digest: self.digest,
            rule_count: u32::try_from(self.rule_count).unwrap_or(0),
            notes: self.notes,
            base_version: self.base_version,
            created_by: self.created_by,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
            activated_at: self.activated_at.map(Into::into),
        })
    }
}

/// The bundle with this number.
pub(crate) async fn by_id(db: &mut PgConnection, id: i64) -> Result<Row> {
    let row: Option<Row> = sqlx::query_as(concatcp!(SELECT, "where id = $1")).bind(id).fetch_optional(db).await?;
    row.ok_or_else(|| Error::not_found("bundle", id))
}

/// The bundle with this number, locked until the transaction ends.
pub(crate) async fn by_id_locked(db: &mut PgConnection, id: i64) -> Result<Row> {
    let row: Option<Row> =
        sqlx::query_as(concatcp!(SELECT, "where id = $1 for update")).bind(id).fetch_optional(db).await?;
    row.ok_or_else(|| Error::not_found("bundle", id))
}

/// The bundle at 100 %, if there is one.
pub(crate) async fn stable(db: &mut PgConnection) -> Result<Option<Row>> {
    Ok(sqlx::query_as(concatcp!(SELECT, "where active and canary_pct = 100")).fetch_optional(db).await?)
}

/// The canary or shadow, if there is one.
pub(crate) async fn canary(db: &mut PgConnection) -> Result<Option<Row>> {
    let sql = concatcp!(SELECT, "where (active and canary_pct < 100) or state = 'shadow'");
    Ok(sqlx::query_as(sql).fetch_optional(db).await?)
}

/// The bundle with this version, if one has it.
pub(crate) async fn by_version(db: &mut PgConnection, version: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as(concatcp!(SELECT, "where version = $1")).bind(version).fetch_optional(db).await?)
}

/// Every version in use, except that of bundle `except`.
pub(crate) async fn versions(db: &mut PgConnection, except: Option<i64>) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("select version from policy_bundles where $1::bigint is null or id <> $1")
        .bind(except)
        .fetch_all(db)
        .await?)
}
