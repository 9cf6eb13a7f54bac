//! Running a drill.

use std::time::{Duration, Instant};

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Permit, authorize},
    problem::{Code, Problem},
    rollout::{
        DrillReport, Stage,
        drill::{Run, Step},
    },
    signing::{self, Envelope},
};
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    candidate::{self, Chosen},
    sandbox::Sandbox,
};
use crate::{
    Error, Result, Store, json,
    rollout::{Order, RollBack, Signers, apply_in, evidence_of, roll_back_in},
    system,
    work::Work,
};

/// Runs a drill and stores its signed report. The live state is neither changed nor locked: the drill works on copies
/// that only its own connection sees, inside a transaction that is rolled back. A drill is allowed during a pause.
///
/// A drill that fails is an answer, not an error: `safety_passed` is false and `failures` say why.
///
/// # Errors
/// Denied without [`Permission::Apply`]; `no_candidate` when there is no approved packet to drill with.
pub async fn run(store: &Store, actor: &Actor) -> Result<DrillReport> {
    let permit = authorize(actor, Permission::Apply)?;
    let mut db = store.pool().acquire().await?;
    let chosen = candidate::find(&mut db, &store.keys()).await?.ok_or_else(|| {
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
    sandbox.roll_back().await?;
    if let Err(error) = rehearsed {
        match error {
            Error::Refused(problem) => run.stopped = Some(format!("A step was refused: {}.", problem.detail)),
            other => return Err(other),
        }
    }
    let mut db = store.pool().acquire().await?;
    run.live_after = live_digest(&mut db, chosen.candidate.id).await?;
    drop(db);
    store_report(store, permit, &run).await
}

/// Applies, rolls back and applies again.
async fn rehearse(store: &Store, sandbox: &mut Sandbox, chosen: &Chosen, run: &mut Run) -> Result<()> {
    run.checksum_before = system::serving_checksum(sandbox.work.db()).await?;
    let (first, first_id) = apply(store, &mut sandbox.work, chosen).await?;
    run.apply = Some(first);
    run.rollback = Some(roll_back(store, &mut sandbox.work, chosen).await?);
    sandbox.reset_to_approved(chosen).await?;
    let (mut second, second_id) = apply(store, &mut sandbox.work, chosen).await?;
    second.fresh &= second_id != first_id;
    run.reapply = Some(second);
    Ok(())
}

async fn apply(store: &Store, work: &mut Work, chosen: &Chosen) -> Result<(Step, i64)> {
    let candidate = &chosen.candidate;
    let signers = if chosen.as_of.is_some() { Signers::AsSigned } else { Signers::Now };
    let order = Order { bundle_id: candidate.id, packet_id: &candidate.packet_id, stage: Stage::Canary10, signers };
    let noted = work.noted();
    let started = Instant::now();
    let by = work.actor().clone();
    let evidence = evidence_of(store, &by, &order).await?;
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
    let done = roll_back_in(&store.keys(), work, chosen.candidate.id, &request).await?;
    let took = started.elapsed();
    let fresh = done.fresh && work.noted() > noted;
    let checksum = done.record.verification_checksum.clone();
    step(store, work, took, &done.record, checksum, fresh).await
}

/// The result of a step, read back from the sandbox.
async fn step<T: Envelope>(
    store: &Store,
    work: &mut Work,
    took: Duration,
    record: &T,
    checksum: Option<String>,
    fresh: bool,
) -> Result<Step> {
    let served = system::read(work.db()).await?;
    let newest = served.canary.or(served.stable);
    let (version, digest) = newest.map(|bundle| (bundle.version, bundle.digest)).unwrap_or_default();
    Ok(Step {
        // Rounded to microseconds, so that the number is written the same way everywhere.
        duration_ms: (took.as_secs_f64() * 1e6).round() / 1e3,
        verification_checksum: checksum.unwrap_or_default(),
        read_back: system::serving_checksum(work.db()).await?,
        served_digest: digest,
        served_version: version,
        signature_verifies: signing::verify(&store.keys(), record).is_ok(),
        fresh,
    })
}

/// Signs and stores the report.
async fn store_report(store: &Store, permit: Permit, run: &Run) -> Result<DrillReport> {
    let mut work = Work::begin(store, permit).await?;
    let mut report = run.report(work.actor(), work.now);
    signing::sign(&store.keys(), &mut report)
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
    system::add_to_ticket_in_force(
        &mut work,
        &done,
        json!({"drill_id": report.id, "safety_passed": report.safety_passed}),
    )
    .await?;
    work.note(EventType::DrillRun, "drill", report.id, summary, detail);
    work.commit().await?;
    Ok(report)
}

/// The digest of everything that decides what is served, and of the counters of applies and rollbacks.
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
