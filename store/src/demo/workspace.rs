//! Bundles, decisions, incident, packet and draft of the example, in the order in which they came about.

use std::time::Duration;

use lifecycle::{
    Timestamp,
    audit::EventType,
    authority::{Permission, Role, authorize},
    bundle::{Source, State},
    decision::{BundleRef, Record},
    incident::Severity,
    rollout::{
        records::ApplyRecord,
        rollback::{ACKNOWLEDGE_WITHIN, INVESTIGATE_WITHIN},
    },
    signing::sign,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{actor, people::email, policy, traffic};
use crate::{
    Error, Result, Store, bundles, decisions, incidents, json,
    packets::{self, BuildPacket},
    settings,
    work::Work,
};

/// Rows of one statement.
const BATCH: usize = 2_000;

/// Loads what is missing. A workspace that has bundles of its own keeps them and gets none.
pub(super) async fn load(store: &Store) -> Result<()> {
    if !live(store).await? {
        return Ok(());
    }
    let author = actor(&email(Role::Author), Role::Author);
    decide(store).await?;
    if !exists(store, policy::REVIEW_VERSION).await? {
        bundles::create(store, &author, policy::in_review()?).await?;
    }
    let unsubmitted: Option<i64> =
        sqlx::query_scalar("select id from policy_bundles where version = $1 and state = 'draft'")
            .bind(policy::REVIEW_VERSION)
            .fetch_optional(store.pool())
            .await?;
    if let Some(bundle_id) = unsubmitted {
        let admin = actor(&email(Role::Admin), Role::Admin);
        settings::set_invariants(store, &admin, vec![policy::invariant()?]).await?;
        let fallback_plan = "Roll back to 2.3.0; tell #policy-alerts and the mail team.".to_owned();
        packets::build(store, &author, BuildPacket { bundle_id, fallback_plan, corpus: None }).await?;
    }
    if !exists(store, policy::DRAFT_VERSION).await? {
        bundles::create(store, &author, policy::draft()?).await?;
    }
    incident(store).await
}

async fn exists(store: &Store, version: &str) -> Result<bool> {
    Ok(sqlx::query_scalar("select exists (select from policy_bundles where version = $1)")
        .bind(version)
        .fetch_one(store.pool())
        .await?)
}

/// When the example's bundles entered their stages.
struct Stages {
    previous: [Timestamp; 3],
    stable: [Timestamp; 3],
}

impl Stages {
    /// Fixed to the day, so that a loading that was broken off goes on with nearly the same times.
    fn new(now: Timestamp) -> Self {
        let day = |days: u64| now.minus(Duration::from_secs(days * 86_400));
        Self { previous: [day(21), day(20), day(19)], stable: [day(5), day(4), day(3)] }
    }
}

/// The previous and the live bundle; false when the workspace has others.
pub(super) async fn live(store: &Store) -> Result<bool> {
    if exists(store, policy::STABLE_VERSION).await? {
        let ours: bool = sqlx::query_scalar("select created_by = $2 from policy_bundles where version = $1")
            .bind(policy::STABLE_VERSION)
            .bind(email(Role::Author))
            .fetch_one(store.pool())
            .await?;
        return Ok(ours);
    }
    let system = actor("system", Role::Admin);
    let mut work = Work::begin_serving(store, authorize(&system, Permission::Administer)?).await?;
    let occupied: bool = sqlx::query_scalar("select exists (select from policy_bundles)").fetch_one(work.db()).await?;
    if occupied {
        return Ok(false);
    }
    let stages = Stages::new(work.now);
    let previous = insert(&mut work, policy::previous()?, State::Superseded, stages.previous).await?;
    let stable = insert(&mut work, policy::stable()?, State::Active, stages.stable).await?;
    for (bundle, times) in [(&previous, stages.previous), (&stable, stages.stable)] {
        record_stages(store, &mut work, bundle, times).await?;
    }
    let replaced = json!({
        "version": previous.version, "from_state": State::Active.name(), "to_state": State::Superseded.name(),
        "by": stable.version,
    });
    let owner = actor(&email(Role::RuntimeOwner), Role::RuntimeOwner);
    let summary = format!("{} was superseded by {}", previous.version, stable.version);
    let subject = ("bundle", previous.id.to_string());
    work.note_past((stages.stable[2], owner), EventType::Superseded, subject, summary, replaced);
    work.commit().await?;
    Ok(true)
}

/// Adds a bundle that has gone all the way to full traffic.
async fn insert(work: &mut Work, source: Source, state: State, stages: [Timestamp; 3]) -> Result<BundleRef> {
    let version = source.version.clone().unwrap_or_default();
    let digest = source.digest();
    let serves = state == State::Active;
    let [first, _, full] = stages;
    let written = first.minus(Duration::from_secs(2 * 86_400));
    let id = sqlx::query_scalar(
        "insert into policy_bundles (version, state, active, canary_pct, content, digest, rule_count, notes, base_version,
             authors, created_by, created_at, updated_at, stage_started_at, activated_at, activated_by, reached_full_at)
         values ($1, $2, $3, $4, $5::json, $6, $7, $8, $9, array[$10], $10, $11, $12, $13, $12, $14, $12) returning id",
    )
    .bind(&version)
    .bind(state.name())
    .bind(serves)
    .bind(if serves { 100_i16 } else { 0 })
    .bind(json::text(&bundles::row::content(&source)?)?)
    .bind(digest.as_str())
    .bind(i32::try_from(source.rules.len()).unwrap_or(i32::MAX))
    .bind(&source.notes)
    .bind(&source.base_version)
    .bind(email(Role::Author))
    .bind(OffsetDateTime::from(written))
    .bind(OffsetDateTime::from(full))
    .bind(serves.then_some(OffsetDateTime::from(full)))
    .bind(email(Role::RuntimeOwner))
    .fetch_one(work.db())
    .await?;
    Ok(BundleRef { id, version, digest: digest.to_string() })
}

/// The signed records of a bundle's way to full traffic.
async fn record_stages(store: &Store, work: &mut Work, bundle: &BundleRef, times: [Timestamp; 3]) -> Result<()> {
    for ((from_pct, to_pct), at) in [(0, 10), (10, 50), (50, 100)].into_iter().zip(times) {
        let mut record = ApplyRecord {
            id: 0,
            bundle_id: bundle.id,
            version: bundle.version.clone(),
            digest: bundle.digest.clone(),
            packet_id: None,
            from_pct,
            to_pct,
            actor: email(Role::RuntimeOwner),
            at,
            verification_checksum: None,
            key_id: String::new(),
            signature: String::new(),
        };
        sign(store.keys(), &mut record).map_err(|error| Error::Internal(error.to_string()))?;
        let (event, from_state, summary) = match from_pct {
            0 => (EventType::Applied, State::Approved, format!("{} entered service at {to_pct} %", record.version)),
            _ => {
                let summary = format!("{} went from {from_pct} % to {to_pct} %", record.version);
                (EventType::Promoted, State::Canary, summary)
            }
        };
        let to_state = if to_pct == 100 { State::Active } else { State::Canary };
        let detail = json!({
            "version": record.version, "from_state": from_state.name(), "to_state": to_state.name(),
            "from_pct": from_pct, "to_pct": to_pct, "digest": record.digest, "signature": record.signature,
        });
        let owner = actor(&record.actor, Role::RuntimeOwner);
        work.note_past((at, owner), event, ("bundle", bundle.id.to_string()), summary, detail);
        sqlx::query(
            "insert into policy_apply_record (bundle_id, version, digest, packet_id, from_pct, to_pct, actor, at, key_id,
                 signature)
             values ($1, $2, $3, null, $4, $5, $6, $7, $8, $9)",
        )
        .bind(record.bundle_id)
        .bind(&record.version)
        .bind(&record.digest)
        .bind(record.from_pct)
        .bind(record.to_pct)
        .bind(&record.actor)
        .bind(OffsetDateTime::from(record.at))
        .bind(&record.key_id)
        .bind(&record.signature)
        .execute(work.db())
        .await?;
    }
    Ok(())
}

/// A week of decisions with what came of them. Those that are there already stay.
async fn decide(store: &Store) -> Result<()> {
    let there: i64 = sqlx::query_scalar("select count(*) from policy_decisions where decision_id like 'demo-%'")
        .fetch_one(store.pool())
        .await?;
    let reported: i64 =
        sqlx::query_scalar("select count(*) from policy_decision_outcomes").fetch_one(store.pool()).await?;
    if usize::try_from(there).is_ok_and(|there| there >= traffic::COUNT) && reported > 0 {
        return Ok(());
    }
    let rows: Vec<(String, i64, String, OffsetDateTime)> = sqlx::query_as(
        "select version, id, digest, reached_full_at from policy_bundles where version = any($1) order by id",
    )
    .bind(&[policy::PREVIOUS_VERSION, policy::STABLE_VERSION][..])
    .fetch_all(store.pool())
    .await?;
    let (now,): (OffsetDateTime,) = sqlx::query_as("select now()").fetch_one(store.pool()).await?;
    let answering = |wanted: &str, source: Source| {
        let row = rows.iter().find(|(version, ..)| version == wanted);
        let (version, id, digest, full) = row.ok_or_else(|| Error::Internal("an example bundle is missing".into()))?;
        let name = BundleRef { id: *id, version: version.clone(), digest: digest.clone() };
        Ok::<_, Error>((traffic::Answering::new(name, &source.understand().bundle), Timestamp::from(*full)))
    };
    let (previous, _) = answering(policy::PREVIOUS_VERSION, policy::previous()?)?;
    let (stable, full) = answering(policy::STABLE_VERSION, policy::stable()?)?;
    let day = |days: u64| full.minus(Duration::from_secs(days * 86_400));
    let history = traffic::History { previous, stable, stages: [(day(2), 10), (day(1), 50), (full, 100)] };
    let records = tokio::task::spawn_blocking(move || traffic::week(&history, now.into()))
        .await
        .map_err(|error| Error::Internal(format!("the example's decisions stopped: {error}")))?;
    for batch in records.chunks(BATCH) {
        decisions::append(store, batch).await?;
    }
    for batch in records.chunks(BATCH) {
        report(store, batch).await?;
    }
    Ok(())
}

/// Adds outcomes, reported a little after their decisions.
async fn report(store: &Store, records: &[Record]) -> Result<()> {
    let with: Vec<_> = records.iter().filter_map(|record| Some((record, record.outcome.as_ref()?))).collect();
    let statuses: Vec<Value> =
        with.iter().filter_map(|(_, outcome)| serde_json::to_value(outcome.status).ok()).collect();
    sqlx::query(
        "insert into policy_decision_outcomes (decision_id, status, cost, margin_bps, success, latency_ms, reported_at,
             reported_by)
         select *, 'mail-gateway' from unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::bool[], $6::float8[],
             $7::timestamptz[])
         on conflict (decision_id) do nothing",
    )
    .bind(with.iter().map(|(record, _)| record.decision_id.as_str()).collect::<Vec<_>>())
    .bind(statuses.iter().map(|status| status.as_str().unwrap_or_default()).collect::<Vec<_>>())
    .bind(with.iter().map(|(_, outcome)| outcome.cost).collect::<Vec<_>>())
    .bind(with.iter().map(|(_, outcome)| outcome.margin_bps).collect::<Vec<_>>())
    .bind(with.iter().map(|(_, outcome)| outcome.success).collect::<Vec<_>>())
    .bind(with.iter().map(|(_, outcome)| outcome.latency_ms).collect::<Vec<_>>())
    .bind(with.iter().map(|(record, _)| OffsetDateTime::from(record.decided_at)).collect::<Vec<_>>())
    .execute(store.pool())
    .await?;
    Ok(())
}

/// What went wrong under the previous version, and was put right by the live one.
async fn incident(store: &Store) -> Result<()> {
    const TITLE: &str = "Mail from two board members was quarantined";
    let there: bool = sqlx::query_scalar("select exists (select from incidents where title = $1)")
        .bind(TITLE)
        .fetch_one(store.pool())
        .await?;
    if there {
        return Ok(());
    }
    let opener = actor(&email(Role::RevenueOps), Role::RevenueOps);
    let mut work = Work::begin(store, authorize(&opener, Permission::HandleIncidents)?).await?;
    let bundle: Option<(i64, String)> = sqlx::query_as("select id, version from policy_bundles where version = $1")
        .bind(policy::PREVIOUS_VERSION)
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
                      anybody looking at it."
                .to_owned(),
        ack_due_at: opened.plus(ACKNOWLEDGE_WITHIN),
        investigate_due_at: opened.plus(INVESTIGATE_WITHIN),
    };
    let id = incidents::open(&mut work, opening).await?;
    let acknowledged = opened.plus(Duration::from_secs(7 * 60));
    sqlx::query(
        "update incidents set status = 'resolved', created_at = $2, acknowledged_by = $3, acknowledged_at = $4 where id = $1",
    )
    .bind(&id)
    .bind(OffsetDateTime::from(opened))
    .bind(email(Role::SafetyOwner))
    .bind(OffsetDateTime::from(acknowledged))
    .execute(work.db())
    .await?;
    sqlx::query("update incident_timeline set at = $2 where incident_id = $1")
        .bind(&id)
        .bind(OffsetDateTime::from(opened))
        .execute(work.db())
        .await?;
    let minutes = |minutes: u64| opened.plus(Duration::from_secs(minutes * 60));
    for (at, who, text) in [
        (acknowledged, Role::SafetyOwner, "Acknowledged the incident."),
        (minutes(24), Role::SafetyOwner, "Released the two messages by hand and told both senders."),
        (minutes(55), Role::Author, "Found that no rule looks at `sender_vip`; writing 2.3.0 with one that does."),
        (
            minutes(3 * 24 * 60 + 40),
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
