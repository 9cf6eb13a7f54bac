//! Rollback drills: apply, roll back and apply again, with a real packet and the code that serves, in a sandbox that is
//! always undone.

mod candidate;
mod sandbox;

use std::time::Instant;

use lifecycle::{
    Page,
    audit::EventType,
    authority::{Actor, Permission, Permit, authorize},
    problem::{Code, Problem},
    rollout::{
        DrillReport, Stage,
        drill::{LastDrill, Run, Step},
    },
    signing::{self, Checked, Envelope},
};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;

pub(crate) use self::candidate::find as candidate;
use self::{candidate::Chosen, sandbox::Sandbox};
use crate::{
    Error, Result, Store, json, page,
    rollout::{Order, RollBack, apply_in, evidence_of, roll_back_in},
    system,
    work::Work,
};

/// Which drills to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Most rows to answer.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Runs a drill and keeps its signed report. What is live is never touched, nor locked: the drill works on copies that
/// only its own connection sees, inside a transaction that is undone. It is allowed during a pause.
///
/// A drill that fails is an answer, not an error: `safety_passed` is false and `failures` say why.
///
/// # Errors
/// Denied without [`Permission::Apply`]; `no_candidate` when there is no approved packet to drill with.
pub async fn run(store: &Store, actor: &Actor) -> Result<DrillReport> {
    let permit = authorize(actor, Permission::Apply)?;
    let mut db = store.pool().acquire().await?;
    let chosen = candidate(&mut db, store.keys()).await?.ok_or_else(|| {
        Problem::new(
            Code::NoCandidate,
            "there is nothing to drill with: a drill needs a packet that was approved on top of a stable bundle, waiting \
             to be applied or applied before",
        )
    })?;
    let live_before = live_digest(&mut db, chosen.candidate.id).await?;
    drop(db);

    let mut run = Run {
        candidate: chosen.candidate.clone(),
        checksum_before: String::new(),
        apply: None,
        rollback: None,
        reapply: None,
        stopped: None,
        live_before,
        live_after: String::new(),
    };
    let mut sandbox = Sandbox::open(store, permit.clone(), &chosen).await?;
    let rehearsed = rehearse(store, &mut sandbox, &chosen, &mut run).await;
    sandbox.undo().await?;
    if let Err(error) = rehearsed {
        match error {
            Error::Refused(problem) => run.stopped = Some(format!("A step was refused: {}.", problem.detail)),
            other => return Err(other),
        }
    }
    let mut db = store.pool().acquire().await?;
    run.live_after = live_digest(&mut db, chosen.candidate.id).await?;
    drop(db);
    keep(store, permit, &run).await
}

/// The three steps.
async fn rehearse(store: &Store, sandbox: &mut Sandbox, chosen: &Chosen, run: &mut Run) -> Result<()> {
    run.checksum_before = system::serving_checksum(sandbox.work.db()).await?;
    let (first, first_id) = apply(store, &mut sandbox.work, chosen).await?;
    run.apply = Some(first);
    run.rollback = Some(roll_back(store, &mut sandbox.work, chosen).await?);
    sandbox.approve_again(chosen).await?;
    let (mut second, second_id) = apply(store, &mut sandbox.work, chosen).await?;
    second.fresh &= second_id != first_id;
    run.reapply = Some(second);
    Ok(())
}

async fn apply(store: &Store, work: &mut Work, chosen: &Chosen) -> Result<(Step, i64)> {
    let candidate = &chosen.candidate;
    let order = Order { bundle_id: candidate.id, packet_id: &candidate.packet_id, stage: Stage::Canary10 };
    let noted = work.noted();
    let started = Instant::now();
    let evidence = evidence_of(store, &order).await?;
    let (_, record) = apply_in(store, work, &order, evidence).await?;
    let took = started.elapsed();
    let fresh = work.noted() > noted;
    let checksum = record.verification_checksum.clone();
    Ok((step(store, work, took, &record, checksum, fresh).await?, record.id))
}

async fn roll_back(store: &Store, work: &mut Work, chosen: &Chosen) -> Result<Step> {
    let request = RollBack {
        reason: "Rollback drill in a sandbox".to_owned(),
        rolled_back_by: None,
        create_incident: true,
        triggered_at: None,
    };
    let noted = work.noted();
    let started = Instant::now();
    let done = roll_back_in(store.keys(), work, chosen.candidate.id, &request).await?;
    let took = started.elapsed();
    let fresh = done.fresh && work.noted() > noted;
    let checksum = done.record.verification_checksum.clone();
    step(store, work, took, &done.record, checksum, fresh).await
}

/// What a step left behind, read back from the sandbox.
async fn step<T: Envelope>(
    store: &Store,
    work: &mut Work,
    took: std::time::Duration,
    record: &T,
    checksum: Option<String>,
    fresh: bool,
) -> Result<Step> {
    let served = system::read(work.db()).await?;
    let newest = served.canary.or(served.stable);
    let (version, digest) = newest.map(|bundle| (bundle.version, bundle.digest)).unwrap_or_default();
    Ok(Step {
        // Microseconds are enough, and a number that is written the same everywhere.
        duration_ms: (took.as_secs_f64() * 1e6).round() / 1e3,
        verification_checksum: checksum.unwrap_or_default(),
        read_back: system::serving_checksum(work.db()).await?,
        served_digest: digest,
        served_version: version,
        signature_verifies: signing::verify(store.keys(), record).is_ok(),
        fresh,
    })
}

/// Signs and keeps the report.
async fn keep(store: &Store, permit: Permit, run: &Run) -> Result<DrillReport> {
    let mut work = Work::begin(store, permit).await?;
    let mut report = run.report(&work.actor().name, work.now);
    signing::sign(store.keys(), &mut report)
        .map_err(|refusal| Error::Internal(format!("a drill could not be signed: {refusal}")))?;
    report.id = sqlx::query_scalar(
        "insert into policy_drills (report, safety_passed, at) values ($1::json, $2, $3) returning id",
    )
    .bind(json::text(&report)?)
    .bind(report.safety_passed)
    .bind(OffsetDateTime::from(report.at))
    .fetch_one(work.db())
    .await?;
    let outcome = if report.safety_passed { "passed" } else { "failed" };
    let detail = json!({
        "candidate_id": report.candidate_id, "version": report.candidate_version, "packet_id": report.packet_id,
        "safety_passed": report.safety_passed, "failures": report.failures, "signature": report.signature,
    });
    let summary = format!("a rollback drill with {} {outcome}", report.candidate_version);
    let done = format!("Drill {} with {} {outcome}.", report.id, report.candidate_version);
    system::tell_ticket(&mut work, &done, json!({"drill_id": report.id, "safety_passed": report.safety_passed}))
        .await?;
    work.note(EventType::DrillRun, "drill", report.id, summary, detail);
    work.commit().await?;
    Ok(report)
}

/// Digest of everything that decides what is served, and of the counters of what was done to it.
async fn live_digest(db: &mut PgConnection, candidate: i64) -> Result<String> {
    let digest: String = sqlx::query_scalar(
        "select encode(sha256(convert_to(concat_ws(E'\\n',
             (select string_agg(concat_ws('|', id, version, state, active, canary_pct, digest, revision,
                  stage_started_at, reached_full_at, rolled_back_at), E'\\n' order by id)
              from policy_bundles where activated_at is not null or state = 'shadow' or id = $1),
             (select concat_ws('|', enabled, bypass_effect, pause::text, disabled::text, changed_at) from system_state),
             (select coalesce(max(id), 0) from policy_apply_record),
             (select coalesce(max(id), 0) from policy_rollback_record)), 'UTF8')), 'hex')",
    )
    .bind(candidate)
    .fetch_one(db)
    .await?;
    Ok(format!("sha256:{digest}"))
}

/// Reports, newest first, each with what came of checking its signature.
///
/// # Errors
/// Denied without [`Permission::Read`]; a malformed cursor or limit.
pub async fn list(store: &Store, actor: &Actor, filter: &Filter) -> Result<Page<Checked<DrillReport>>> {
    authorize(actor, Permission::Read)?;
    let limit = page::limit(filter.limit)?;
    let rows: Vec<(i64, Json<Value>)> = sqlx::query_as(
        "select id, report from policy_drills where $1::bigint is null or id < $1 order by id desc limit $2",
    )
    .bind(page::number(filter.cursor.as_deref())?)
    .bind(limit + 1)
    .fetch_all(store.pool())
    .await?;
    page::page(rows, limit, |row| row.0.to_string(), |row| Ok(Checked::new(store.keys(), read(row)?)))
}

/// One report, with what came of checking its signature.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such drill.
pub async fn get(store: &Store, actor: &Actor, id: i64) -> Result<Checked<DrillReport>> {
    authorize(actor, Permission::Read)?;
    let row: Option<(i64, Json<Value>)> = sqlx::query_as("select id, report from policy_drills where id = $1")
        .bind(id)
        .fetch_optional(store.pool())
        .await?;
    Ok(Checked::new(store.keys(), read(row.ok_or_else(|| Error::not_found("drill", id))?)?))
}

/// The newest drill; one whose signature does not verify has not passed.
pub(crate) async fn last(db: &mut PgConnection, store: &Store) -> Result<Option<LastDrill>> {
    let row: Option<(i64, Json<Value>)> =
        sqlx::query_as("select id, report from policy_drills order by id desc limit 1").fetch_optional(db).await?;
    let Some(report) = row.map(read).transpose()? else { return Ok(None) };
    let last = Checked::new(store.keys(), report);
    Ok(Some(LastDrill { id: last.record.id, at: last.record.at, passed: last.record.safety_passed && last.verifies() }))
}

fn read((id, report): (i64, Json<Value>)) -> Result<DrillReport> {
    let report: DrillReport =
        serde_json::from_value(report.0).map_err(|error| Error::damaged(format!("drill {id}: {error}")))?;
    Ok(DrillReport { id, ..report })
}
