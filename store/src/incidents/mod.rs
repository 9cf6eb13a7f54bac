//! Incidents: reading them. Opening them and moving them on stand apart.

mod advance;
mod opening;
mod post_mortem;

pub use advance::advance;
pub use opening::{NewIncident, create};
pub(crate) use opening::{Opening, insert, note_opened, open};
pub use post_mortem::{post_mortem, save_post_mortem};

use lifecycle::{
    Page,
    authority::{Actor, Permission, authorize},
    incident::{Incident, Severity, Status, TimelineEntry},
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, types::Json};
use time::OffsetDateTime;

use crate::{Error, Result, Store, json, names, page, work::Work};

/// Which incidents to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// With this status.
    pub status: Option<Status>,
    /// With this severity.
    pub severity: Option<Severity>,
    /// About this bundle.
    pub bundle_id: Option<i64>,
    /// Most rows to answer.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

const COLUMNS: &str = "i.number, i.id, i.title, i.severity, i.status, i.source, i.agent, i.bundle_id, i.bundle_version, \
     i.rollback_id, i.description, i.created_by, i.created_at, i.ack_due_at, i.investigate_due_at, i.acknowledged_by, \
     i.acknowledged_at, i.mitigated_at, i.resolved_at, i.closed_at, (select coalesce(json_agg(json_build_object('at', to_char(t.at at time zone 'UTC', \
     'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), 'actor', t.actor, 'text', t.text, 'detail', t.detail) order by t.id), '[]') \
     from incident_timeline t where t.incident_id = i.id) as timeline";

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    id: String,
    title: String,
    severity: String,
    status: String,
    source: String,
    agent: Option<String>,
    bundle_id: Option<i64>,
    bundle_version: Option<String>,
    rollback_id: Option<i64>,
    description: String,
    created_by: String,
    created_at: OffsetDateTime,
    ack_due_at: OffsetDateTime,
    investigate_due_at: OffsetDateTime,
    acknowledged_by: Option<String>,
    acknowledged_at: Option<OffsetDateTime>,
    mitigated_at: Option<OffsetDateTime>,
    resolved_at: Option<OffsetDateTime>,
    closed_at: Option<OffsetDateTime>,
    timeline: Json<Vec<TimelineEntry>>,
}

impl Row {
    fn read(self) -> Result<Incident> {
        Ok(Incident {
            id: self.id,
            title: self.title,
            severity: names::read(&self.severity)?,
            status: names::read(&self.status)?,
            source: self.source,
            agent: self.agent,
            bundle_id: self.bundle_id,
            bundle_version: self.bundle_version,
            rollback_id: self.rollback_id,
            description: self.description,
            created_by: self.created_by,
            created_at: self.created_at.into(),
            ack_due_at: self.ack_due_at.into(),
            investigate_due_at: self.investigate_due_at.into(),
            acknowledged_by: self.acknowledged_by,
            acknowledged_at: self.acknowledged_at.map(Into::into),
            mitigated_at: self.mitigated_at.map(Into::into),
            resolved_at: self.resolved_at.map(Into::into),
            closed_at: self.closed_at.map(Into::into),
            timeline: self.timeline.0,
        })
    }
}

/// Incidents, newest first.
///
/// # Errors
/// Denied without [`Permission::Read`]; a malformed cursor or limit.
pub async fn list(store: &Store, actor: &Actor, filter: &Filter) -> Result<Page<Incident>> {
    authorize(actor, Permission::Read)?;
    let limit = page::limit(filter.limit)?;
    let sql = format!(
        "select {COLUMNS} from incidents i
         where ($1::bigint is null or i.number < $1) and ($2::text is null or i.status = $2)
           and ($3::text is null or i.severity = $3) and ($4::bigint is null or i.bundle_id = $4)
         order by i.number desc limit $5"
    );
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(page::number(filter.cursor.as_deref())?)
        .bind(filter.status.map(Status::name))
        .bind(filter.severity.map(Severity::name))
        .bind(filter.bundle_id)
        .bind(limit + 1)
        .fetch_all(store.pool())
        .await?;
    page::page(rows, limit, |row| row.number.to_string(), Row::read)
}

/// One incident.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such incident.
pub async fn get(store: &Store, actor: &Actor, id: &str) -> Result<Incident> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    by_id(&mut db, id).await
}

async fn by_id(db: &mut PgConnection, id: &str) -> Result<Incident> {
    let sql = format!("select {COLUMNS} from incidents i where i.id = $1");
    let row: Option<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(id.replace('\0', "")).fetch_optional(db).await?;
    row.ok_or_else(|| Error::not_found("incident", id))?.read()
}

/// Adds a line to an incident's timeline.
pub(crate) async fn line(work: &mut Work, id: &str, text: &str, detail: Value) -> Result<()> {
    let actor = work.actor().name.clone();
    sqlx::query(
        "insert into incident_timeline (incident_id, at, actor, text, detail) values ($1, now(), $2, $3, $4::json)",
    )
    .bind(id)
    .bind(actor)
    .bind(text)
    .bind(json::text(&detail)?)
    .execute(work.db())
    .await?;
    Ok(())
}
