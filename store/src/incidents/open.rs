//! Opening an incident: by a person, or by another use case.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    incident::{
        Incident, Severity,
        draft::{ACKNOWLEDGE_WITHIN, INVESTIGATE_WITHIN},
    },
    problem::Problem,
};
use policy::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;

use super::{
    row::{add_timeline_entry, by_id},
    unproven::RESERVED_SOURCES,
};
use crate::{Error, Result, Store, bundles::row as bundle_row, work::Work};

/// The body of `POST /incidents`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewIncident {
    /// The problem in a line.
    pub title: String,
    /// How severe the problem is.
    pub severity: Severity,
    /// The source of the report; `manual` when absent.
    #[serde(default)]
    pub source: Option<String>,
    /// The agent concerned.
    #[serde(default)]
    pub agent: Option<String>,
    /// The bundle concerned.
    #[serde(default)]
    pub bundle_id: Option<i64>,
    /// The facts known so far.
    #[serde(default)]
    pub description: String,
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
    for (pointer, text, min, max) in texts {
        let count = text.chars().count();
        if !(min..=max).contains(&count) || text.contains('\0') {
            return Err(Problem::invalid_field(pointer, format!("has {min} to {max} characters")).into());
        }
    }
    if RESERVED_SOURCES.contains(&source.as_str()) {
        let detail = format!("only Countersign itself opens incidents with the source `{source}`: give another");
        return Err(Problem::invalid_field("/source", detail).into());
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

/// Opens an incident inside a use case, with the first entry of its timeline and its audit entry; returns its id.
pub(crate) async fn open(work: &mut Work, new: Opening) -> Result<String> {
    let id = insert(work, &new).await?;
    note_opened(work, &id, &new);
    Ok(id)
}

/// Notes the audit entry of an opened incident, for use cases whose own audit entry comes first.
pub(crate) fn note_opened(work: &mut Work, id: &str, new: &Opening) {
    let (bundle_id, version) = new.bundle.clone().unzip();
    let detail = json!({"title": new.title, "severity": new.severity, "bundle_id": bundle_id, "version": version});
    work.note(EventType::IncidentOpened, "incident", id, format!("{id} was opened: {}", new.title), detail);
}

/// Opens an incident without its audit entry; returns its id.
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
         values ($1, $2, $3, 'open', $4, $5, $6, $7, $8, $9, $12, $10, $11)",
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
    .bind(OffsetDateTime::from(work.now))
    .execute(work.db())
    .await?;
    add_timeline_entry(work, &id, "Opened the incident.", json!({"severity": new.severity, "source": new.source}))
        .await?;
    Ok(id)
}
