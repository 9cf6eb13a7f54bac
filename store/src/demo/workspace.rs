//! The bundles, decisions, packet, draft and incident of the example.

use std::time::Duration;

use lifecycle::{
    authority::{Permission, Role, authorize},
    decision::{BundleRef, Record},
    incident::{
        Severity,
        draft::{ACKNOWLEDGE_WITHIN, INVESTIGATE_WITHIN},
    },
};
use policy::Timestamp;
use time::OffsetDateTime;

use super::{
    past,
    people::{actor, email},
    rules, traffic,
};
use crate::{
    Error, Result, Store, bundles,
    decisions::{self, OutcomeReport},
    incidents,
    packets::{self, BuildPacket},
    settings,
    work::Work,
};

/// Number of decisions added at once.
const BATCH: usize = 2_000;

/// Adds what is missing, unless the workspace has bundles of its own.
pub(super) async fn load(store: &Store) -> Result<()> {
    if !past::live(store).await? {
        return Ok(());
    }
    let author = actor(&email(Role::Author), Role::Author);
    add_decisions(store).await?;
    if !exists(store, rules::REVIEW_VERSION).await? {
        bundles::create(store, &author, rules::in_review()?).await?;
    }
    let unsubmitted: Option<i64> =
        sqlx::query_scalar("select id from policy_bundles where version = $1 and state = 'draft'")
            .bind(rules::REVIEW_VERSION)
            .fetch_optional(store.pool())
            .await?;
    if let Some(bundle_id) = unsubmitted {
        let admin = actor(&email(Role::Admin), Role::Admin);
        settings::set_invariants(store, &admin, vec![rules::invariant()?]).await?;
        let fallback_plan = "Roll back to 2.3.0; inform #policy-alerts and the mail team.".to_owned();
        packets::build(store, &author, BuildPacket { bundle_id, fallback_plan, ..BuildPacket::default() }).await?;
    }
    if !exists(store, rules::DRAFT_VERSION).await? {
        bundles::create(store, &author, rules::draft()?).await?;
    }
    incident(store).await
}

async fn exists(store: &Store, version: &str) -> Result<bool> {
    Ok(sqlx::query_scalar("select exists (select from policy_bundles where version = $1)")
        .bind(version)
        .fetch_one(store.pool())
        .await?)
}

/// Adds a week of decisions with their outcomes; decisions that exist stay.
async fn add_decisions(store: &Store) -> Result<()> {
    let existing: i64 = sqlx::query_scalar("select count(*) from policy_decisions where decision_id like 'demo-%'")
        .fetch_one(store.pool())
        .await?;
    let reported: i64 =
        sqlx::query_scalar("select count(*) from policy_decision_outcomes").fetch_one(store.pool()).await?;
    if usize::try_from(existing).is_ok_and(|existing| existing >= traffic::COUNT) && reported > 0 {
        return Ok(());
    }
    let rows: Vec<(String, i64, String, OffsetDateTime)> = sqlx::query_as(
        "select version, id, digest, reached_full_at from policy_bundles where version = any($1) order by id",
    )
    .bind(&[rules::PREVIOUS_VERSION, rules::STABLE_VERSION][..])
    .fetch_all(store.pool())
    .await?;
    let (now,): (OffsetDateTime,) = sqlx::query_as("select now()").fetch_one(store.pool()).await?;
    let name = |wanted: &str| {
        let row = rows.iter().find(|(version, ..)| version == wanted);
        let (version, id, digest, full) = row.ok_or_else(|| Error::Internal("an example bundle is missing".into()))?;
        Ok::<_, Error>((
            BundleRef { id: *id, version: version.clone(), digest: digest.clone() },
            Timestamp::from(*full),
        ))
    };
    let (previous, _) = name(rules::PREVIOUS_VERSION)?;
    let (stable, full) = name(rules::STABLE_VERSION)?;
    let records = past::week(previous, stable, full, now.into()).await?;
    for batch in records.chunks(BATCH) {
        decisions::append(store, batch).await?;
    }
    for batch in records.chunks(BATCH) {
        add_outcomes(store, batch).await?;
    }
    Ok(())
}

/// Adds the outcomes of these decisions, each as if it had been reported at once.
async fn add_outcomes(store: &Store, records: &[Record]) -> Result<()> {
    let outcomes: Vec<(OutcomeReport, OffsetDateTime)> = records
        .iter()
        .filter_map(|record| {
            let outcome = record.outcome.clone()?;
            Some((OutcomeReport { decision_id: record.decision_id.clone(), outcome }, record.decided_at.into()))
        })
        .collect();
    let reports: Vec<(&OutcomeReport, OffsetDateTime)> = outcomes.iter().map(|(report, at)| (report, *at)).collect();
    let times: Vec<Option<OffsetDateTime>> = reports.iter().map(|(_, at)| Some(*at)).collect();
    let mut db = store.pool().acquire().await?;
    decisions::record_past(&mut db, "mail-gateway", &reports, &times).await?;
    Ok(())
}

/// Adds the incident that the previous version caused and the live one resolved.
async fn incident(store: &Store) -> Result<()> {
    /// Minutes from opening the incident to its resolution.
    const RESOLVED_AFTER: u64 = 3 * 24 * 60 + 40;
    const TITLE: &str = "Mail from two board members was quarantined";
    let exists: bool = sqlx::query_scalar("select exists (select from incidents where title = $1)")
        .bind(TITLE)
        .fetch_one(store.pool())
        .await?;
    if exists {
        return Ok(());
    }
    let opener = actor(&email(Role::RevenueOps), Role::RevenueOps);
    let mut work = Work::begin(store, authorize(&opener, Permission::HandleIncidents)?).await?;
    let bundle: Option<(i64, String)> = sqlx::query_as("select id, version from policy_bundles where version = $1")
        .bind(rules::PREVIOUS_VERSION)
        .fetch_optional(work.db())
        .await?;
    let opened = work.now.minus(Duration::from_secs(6 * 86_400 + 5_400));
    let opening = incidents::Opening {
        title: TITLE.to_owned(),
        severity: Severity::Medium,
        source: "manual".to_owned(),
        agent: Some("inbox.triage".to_owned()),
        bundle,
        description:
            "Two board members write from private addresses. Their mail scored 96 and was quarantined without \
                      review."
                .to_owned(),
        ack_due_at: opened.plus(ACKNOWLEDGE_WITHIN),
        investigate_due_at: opened.plus(INVESTIGATE_WITHIN),
    };
    // What is written once is not changed any more, so the incident is opened in the past.
    let now = std::mem::replace(&mut work.now, opened);
    let id = incidents::open(&mut work, opening).await?;
    work.now = now;
    let minutes = |minutes: u64| opened.plus(Duration::from_secs(minutes * 60));
    let acknowledged = opened.plus(Duration::from_secs(7 * 60));
    sqlx::query(
        "update incidents set status = 'resolved', acknowledged_by = $2, acknowledged_at = $3, resolved_at = $4
         where id = $1",
    )
    .bind(&id)
    .bind(email(Role::SafetyOwner))
    .bind(OffsetDateTime::from(acknowledged))
    .bind(OffsetDateTime::from(minutes(RESOLVED_AFTER)))
    .execute(work.db())
    .await?;
    for (at, who, text) in [
        (acknowledged, Role::SafetyOwner, "Acknowledged the incident."),
        (minutes(24), Role::SafetyOwner, "Released the two messages by hand and informed both senders."),
        (minutes(55), Role::Author, "Found that no rule looks at `sender_vip`; writing 2.3.0 with one that does."),
        (
            minutes(RESOLVED_AFTER),
            Role::RuntimeOwner,
            "2.3.0 serves all traffic: mail from a VIP is never quarantined.",
        ),
    ] {
        sqlx::query(
            "insert into incident_timeline (incident_id, at, actor, text, detail) values ($1, $2, $3, $4, '{}')",
        )
        .bind(&id)
        .bind(OffsetDateTime::from(at))
        .bind(email(who))
        .bind(text)
        .execute(work.db())
        .await?;
    }
    work.commit().await
}
