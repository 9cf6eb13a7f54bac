//! Post-mortems. Every save adds a revision; none is overwritten.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    incident::{
        Incident,
        post_mortem::{self, IncidentImpact, PostMortem},
    },
    problem::{Code, Problem},
};
use policy::Timestamp;
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::row::{add_timeline_entry, by_id};
use crate::{Result, Store, bundles::row as bundle_row, decisions::counts_between, work::Work};

/// Maximum number of related incidents that a proposal names.
const MAX_RELATED: i64 = 5;

#[derive(sqlx::FromRow)]
struct Row {
    revision: i64,
    markdown: String,
    written_by: String,
    written_at: OffsetDateTime,
}

/// The post-mortem of an incident; before the first save, a proposal based on what is known.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such incident.
pub async fn post_mortem(store: &Store, actor: &Actor, id: &str) -> Result<PostMortem> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    let incident = by_id(&mut db, id).await?;
    read(&mut db, &incident, actor).await
}

async fn read(db: &mut PgConnection, incident: &Incident, actor: &Actor) -> Result<PostMortem> {
    let rolled_back = rolled_back(db, incident).await?;
    let (revision, markdown, written_by, written_at) = match latest(db, &incident.id).await? {
        Some(row) => (row.revision, row.markdown, Some(row.written_by), Some(row.written_at.into())),
        None => (0, propose(db, incident, rolled_back, &actor.name).await?, None, None),
    };
    Ok(PostMortem {
        incident_id: incident.id.clone(),
        revision,
        open_places: post_mortem::open_places(&markdown),
        markdown,
        required: post_mortem::is_required(rolled_back.map(|(pct, _)| pct)),
        written_by,
        written_at,
    })
}

/// Saves a revision that was written on top of revision `on` (0: none yet); without `on`, on top of the latest one.
///
/// # Errors
/// Denied without [`Permission::HandleIncidents`]; no such incident; `precondition_failed` when another revision is the
/// latest; a text that is blank or too long.
pub async fn save_post_mortem(
    store: &Store,
    actor: &Actor,
    id: &str,
    on: Option<i64>,
    markdown: &str,
) -> Result<PostMortem> {
    let permit = authorize(actor, Permission::HandleIncidents)?;
    post_mortem::check(markdown)?;
    let mut work = Work::begin(store, permit).await?;
    // If two people save at once, the second waits here for the first.
    sqlx::query("select from incidents where id = $1 for update").bind(id.replace('\0', "")).execute(work.db()).await?;
    let incident = by_id(work.db(), id).await?;
    let current = latest(work.db(), id).await?.map_or(0, |row| row.revision);
    if let Some(on) = on.filter(|on| *on != current) {
        let detail = format!("the post-mortem was saved meanwhile: you wrote on revision {on}, it is now at {current}");
        return Err(Problem::new(Code::PreconditionFailed, detail).with("current_revision", current).into());
    }
    sqlx::query(
        "insert into incident_post_mortems (incident_id, revision, markdown, written_by, written_at)
         values ($1, $2, $3, $4, now())",
    )
    .bind(id)
    .bind(current + 1)
    .bind(markdown)
    .bind(&actor.name)
    .execute(work.db())
    .await?;
    let detail = json!({"revision": current + 1});
    add_timeline_entry(&mut work, id, "Saved the post-mortem.", detail.clone()).await?;
    work.note(EventType::IncidentUpdated, "incident", id, format!("the post-mortem of {id} was saved"), detail);
    let saved = read(work.db(), &incident, actor).await?;
    work.commit().await?;
    Ok(saved)
}

/// Whether an incident lacks a post-mortem that it needs.
pub(super) async fn is_missing(db: &mut PgConnection, incident: &Incident) -> Result<bool> {
    let pct = rolled_back(db, incident).await?.map(|(pct, _)| pct);
    Ok(post_mortem::is_required(pct) && latest(db, &incident.id).await?.is_none())
}

async fn latest(db: &mut PgConnection, id: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "select revision, markdown, written_by, written_at from incident_post_mortems
         where incident_id = $1 order by revision desc limit 1",
    )
    .bind(id)
    .fetch_optional(db)
    .await?)
}

/// The share of traffic the incident's bundle had when it was rolled back, and when that was.
async fn rolled_back(db: &mut PgConnection, incident: &Incident) -> Result<Option<(i16, OffsetDateTime)>> {
    let Some(id) = incident.rollback_id else { return Ok(None) };
    Ok(sqlx::query_as("select from_pct, rolled_back_at from policy_rollback_record where id = $1")
        .bind(id)
        .fetch_optional(db)
        .await?)
}

async fn propose(
    db: &mut PgConnection,
    incident: &Incident,
    rolled_back: Option<(i16, OffsetDateTime)>,
    author: &str,
) -> Result<String> {
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    let related: Vec<(String, String)> = sqlx::query_as(
        "select id, title from incidents where id <> $1 and (bundle_id = $2 or agent = $3) order by number desc limit $4",
    )
    .bind(&incident.id)
    .bind(incident.bundle_id)
    .bind(&incident.agent)
    .bind(MAX_RELATED)
    .fetch_all(&mut *db)
    .await?;
    let impact = match incident.bundle_id {
        None => None,
        Some(bundle_id) => {
            let activated =
                bundle_row::by_id(&mut *db, bundle_id).await?.activated_at.filter(|_| rolled_back.is_some());
            let from = activated.unwrap_or_else(|| incident.created_at.into());
            let over = incident.mitigated_at.or(incident.resolved_at).map(OffsetDateTime::from);
            let until = rolled_back.map(|(_, at)| at).or(over).unwrap_or(now);
            let served = counts_between(db, bundle_id, from, Some(until)).await?;
            let traffic_pct = rolled_back.map(|(pct, _)| pct);
            Some(IncidentImpact { from: from.into(), until: until.into(), traffic_pct, served })
        }
    };
    Ok(post_mortem::propose(incident, impact.as_ref(), author, &related, Timestamp::from(now)))
}
