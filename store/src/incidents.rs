//! Incidents.

use lifecycle::{
    Page, Timestamp,
    audit::EventType,
    authority::{Actor, Permission, authorize},
    incident::{Incident, Severity, Status, TimelineEntry},
    problem::{Code, Problem},
    rollout::rollback::{ACKNOWLEDGE_WITHIN, INVESTIGATE_WITHIN},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection, types::Json};
use time::OffsetDateTime;

use crate::{Error, Result, Store, bundles::row as bundle_row, json, names, page, work::Work};

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

/// The body of `POST /incidents`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewIncident {
    /// What it is about, in a line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// What raised it; `manual` when absent.
    #[serde(default)]
    pub source: Option<String>,
    /// The agent concerned.
    #[serde(default)]
    pub agent: Option<String>,
    /// The bundle concerned.
    #[serde(default)]
    pub bundle_id: Option<i64>,
    /// What is known.
    #[serde(default)]
    pub description: String,
}

const COLUMNS: &str = "i.number, i.id, i.title, i.severity, i.status, i.source, i.agent, i.bundle_id, i.bundle_version, \
     i.rollback_id, i.description, i.created_by, i.created_at, i.ack_due_at, i.investigate_due_at, i.acknowledged_by, \
     i.acknowledged_at, (select coalesce(json_agg(json_build_object('at', to_char(t.at at time zone 'UTC', \
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

/// Opens an incident.
///
/// # Errors
/// Denied without [`Permission::HandleIncidents`]; a blank title; no such bundle.
pub async fn create(store: &Store, actor: &Actor, new: NewIncident) -> Result<Incident> {
    let permit = authorize(actor, Permission::HandleIncidents)?;
    let title = new.title.trim().to_owned();
    let source = new.source.as_deref().map_or("manual", str::trim).to_owned();
    let agent = new.agent.as_deref().map(str::trim).filter(|agent| !agent.is_empty()).map(str::to_owned);
    let texts = [
        ("/title", title.as_str(), 1, 200),
        ("/source", source.as_str(), 1, 100),
        ("/agent", agent.as_deref().unwrap_or_default(), 0, 200),
        ("/description", new.description.as_str(), 0, 10_000),
    ];
    for (pointer, text, least, most) in texts {
        let count = text.chars().count();
        if !(least..=most).contains(&count) || text.contains('\0') {
            return Err(Problem::invalid_field(pointer, format!("has {least} to {most} characters")).into());
        }
    }
    let mut work = Work::begin(store, permit).await?;
    let bundle = match new.bundle_id {
        Some(id) => Some(bundle_row::by_id(work.db(), id).await.map_err(|error| match error {
            Error::Refused(_) => Problem::invalid_field("/bundle_id", format!("there is no bundle `{id}`")).into(),
            other => other,
        })?),
        None => None,
    };
    let now = work.now;
    let opening = Opening {
        title,
        severity: new.severity,
        source,
        agent,
        bundle: bundle.map(|bundle| (bundle.id, bundle.version)),
        description: new.description,
        ack_due_at: now.plus(ACKNOWLEDGE_WITHIN),
        investigate_due_at: now.plus(INVESTIGATE_WITHIN),
    };
    let id = open(&mut work, opening).await?;
    let incident = by_id(work.db(), &id).await?;
    work.commit().await?;
    Ok(incident)
}

/// An incident about to be opened.
pub(crate) struct Opening {
    pub title: String,
    pub severity: Severity,
    pub source: String,
    pub agent: Option<String>,
    pub bundle: Option<(i64, String)>,
    pub description: String,
    pub ack_due_at: Timestamp,
    pub investigate_due_at: Timestamp,
}

/// Opens an incident inside a use case, with the first line of its timeline and its audit entry; answers its id.
pub(crate) async fn open(work: &mut Work, new: Opening) -> Result<String> {
    let id = insert(work, &new).await?;
    note_opened(work, &id, &new);
    Ok(id)
}

/// Notes that an incident was opened, for use cases that have something to note before it.
pub(crate) fn note_opened(work: &mut Work, id: &str, new: &Opening) {
    let (bundle_id, version) = new.bundle.clone().unzip();
    let detail = json!({"title": new.title, "severity": new.severity, "bundle_id": bundle_id, "version": version});
    work.note(EventType::IncidentOpened, "incident", id, format!("{id} was opened: {}", new.title), detail);
}

/// The same without the audit entry.
pub(crate) async fn insert(work: &mut Work, new: &Opening) -> Result<String> {
    let actor = work.actor().name.clone();
    let year = work.now.year();
    let number: i32 = sqlx::query_scalar(
        "insert into incident_numbers (year, last) values ($1, 1)
         on conflict (year) do update set last = incident_numbers.last + 1 returning last",
    )
    .bind(year)
    .fetch_one(work.db())
    .await?;
    let id = format!("INC-{year}-{number:04}");
    let (bundle_id, bundle_version) = new.bundle.clone().unzip();
    sqlx::query(
        "insert into incidents (id, title, severity, status, source, agent, bundle_id, bundle_version, description,
             created_by, created_at, ack_due_at, investigate_due_at)
         values ($1, $2, $3, 'open', $4, $5, $6, $7, $8, $9, now(), $10, $11)",
    )
    .bind(&id)
    .bind(&new.title)
    .bind(new.severity.name())
    .bind(&new.source)
    .bind(&new.agent)
    .bind(bundle_id)
    .bind(&bundle_version)
    .bind(&new.description)
    .bind(&actor)
    .bind(OffsetDateTime::from(new.ack_due_at))
    .bind(OffsetDateTime::from(new.investigate_due_at))
    .execute(work.db())
    .await?;
    line(work, &id, "Opened the incident.", json!({"severity": new.severity, "source": new.source})).await?;
    Ok(id)
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

/// Takes an open incident. Taking one that is taken changes nothing.
///
/// # Errors
/// Denied without [`Permission::HandleIncidents`]; no such incident; `invalid_transition` when it is closed.
pub async fn acknowledge(store: &Store, actor: &Actor, id: &str) -> Result<Incident> {
    let permit = authorize(actor, Permission::HandleIncidents)?;
    let mut work = Work::begin(store, permit).await?;
    let status: Option<String> = sqlx::query_scalar("select status from incidents where id = $1 for update")
        .bind(id.replace('\0', ""))
        .fetch_optional(work.db())
        .await?;
    let status: Status = names::read(&status.ok_or_else(|| Error::not_found("incident", id))?)?;
    match status {
        Status::Open => {
            sqlx::query(
                "update incidents set status = 'acknowledged', acknowledged_by = $2, acknowledged_at = now() where id = $1",
            )
            .bind(id)
            .bind(&actor.name)
            .execute(work.db())
            .await?;
            line(&mut work, id, "Acknowledged the incident.", json!({})).await?;
            let detail = json!({"from": status, "to": Status::Acknowledged});
            work.note(EventType::IncidentUpdated, "incident", id, format!("{id} was acknowledged"), detail);
        }
        Status::Acknowledged | Status::Mitigated => {}
        Status::Resolved | Status::Closed => {
            let detail = format!("incident {id} is `{}`: there is nothing left to acknowledge", status.name());
            return Err(Problem::new(Code::InvalidTransition, detail)
                .with("from", status.name())
                .with("to", Status::Acknowledged.name())
                .into());
        }
    }
    let incident = by_id(work.db(), id).await?;
    work.commit().await?;
    Ok(incident)
}
