//! An incident's row, and the lines of its timeline.

use const_format::concatcp;
use lifecycle::incident::{Incident, TimelineEntry};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;

use crate::{Error, Result, json, names, work::Work};

/// The columns of [`Row`], from incidents `i`.
pub(super) const COLUMNS: &str = "i.number, i.id, i.title, i.severity, i.status, i.source, i.agent, i.bundle_id, i.bundle_version, \
     i.rollback_id, i.description, i.created_by, i.created_at, i.ack_due_at, i.investigate_due_at, i.acknowledged_by, \
     i.acknowledged_at, i.mitigated_at, i.resolved_at, i.closed_at, (select coalesce(json_agg(json_build_object('at', to_char(t.at at time zone 'UTC', \
     'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), 'actor', t.actor, 'text', t.text, 'detail', t.detail) order by t.id), '[]') \
     from incident_timeline t where t.incident_id = i.id) as timeline";

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub number: i64,
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
    pub fn read(self) -> Result<Incident> {
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

/// The incident with this id.
pub(super) async fn by_id(db: &mut PgConnection, id: &str) -> Result<Incident> {
    let row: Option<Row> = sqlx::query_as(concatcp!("select ", COLUMNS, " from incidents i where i.id = $1"))
        .bind(id.replace('\0', ""))
        .fetch_optional(db)
        .await?;
    row.ok_or_else(|| Error::not_found("incident", id))?.read()
}

/// Adds an entry by the actor to an incident's timeline.
pub(crate) async fn add_timeline_entry(work: &mut Work, id: &str, text: &str, detail: Value) -> Result<()> {
    let actor = work.actor().name.clone();
    sqlx::query(
        "insert into incident_timeline (incident_id, at, actor, text, detail) values ($1, $5, $2, $3, $4::json)",
    )
    .bind(id)
    .bind(actor)
    .bind(text)
    .bind(json::text(&detail)?)
    .bind(OffsetDateTime::from(work.now))
    .execute(work.db())
    .await?;
    Ok(())
}
