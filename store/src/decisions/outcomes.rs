//! Outcomes: what happened after a decision. The first report is kept; a repetition changes nothing.

use std::collections::HashMap;

use const_format::concatcp;
use lifecycle::{
    authority::{Actor, Permission, authorize},
    decision::Record,
    problem::{Code, Problem},
};
use policy::{
    Fault,
    replay::{Outcome, OutcomeStatus},
};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{cells, queries};
use crate::{Error, Result, Store, names, text::storable, work::Work};

/// Maximum number of outcomes in a batch.
const MAX_BATCH: usize = 10_000;
/// Maximum characters of a note.
const MAX_NOTE_CHARS: usize = 1000;

/// One line of a batch of outcomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "OutcomeLine")]
pub struct OutcomeReport {
    /// The decision the outcome belongs to.
    pub decision_id: String,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// An [`OutcomeReport`] as it is read: with all members in one struct, so that an unknown one is noticed.
#[derive(Deserialize)]
struct OutcomeLine {
    decision_id: String,
    status: OutcomeStatus,
    #[serde(default)]
    cost: Option<f64>,
    #[serde(default)]
    margin_bps: Option<f64>,
    #[serde(default)]
    success: Option<bool>,
    #[serde(default)]
    latency_ms: Option<f64>,
    #[serde(default)]
    note: Option<String>,
}

impl From<OutcomeLine> for OutcomeReport {
    fn from(line: OutcomeLine) -> Self {
        let OutcomeLine { decision_id, status, cost, margin_bps, success, latency_ms, note } = line;
        Self { decision_id, outcome: Outcome { status, cost, margin_bps, success, latency_ms, note } }
    }
}

/// The result of a batch of outcomes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutcomesReported {
    /// Outcomes that were recorded.
    pub recorded: u64,
    /// Decisions that already had an outcome, which is kept.
    pub repeated: u64,
    /// Ids that belong to no decision.
    pub unknown: Vec<String>,
    /// Ids of decisions that another token asked for, or of agents outside the token's patterns.
    pub refused: Vec<String>,
}

/// Records the outcome of a decision, unless it has one; returns the decision.
///
/// # Errors
/// Denied without [`Permission::Evaluate`]; no such decision; a value outside its range; `forbidden` for the decision of
/// another token, unless the token is a reporter.
pub async fn report_outcome(store: &Store, actor: &Actor, decision_id: &str, outcome: Outcome) -> Result<Record> {
    let permit = authorize(actor, Permission::Evaluate)?;
    refuse(check(&outcome, ""))?;
    let mut work = Work::begin(store, permit).await?;
    // Refuses an id that belongs to no decision.
    let asked = queries::by_id(work.db(), decision_id).await?;
    if !actor.pass.may_report(&asked.agent, asked.asked_by) {
        let detail = format!(
            "decision `{decision_id}` is not this token's to report on: use the token that asked for it, or one that is \
             a reporter for the agent `{}`",
            asked.agent
        );
        return Err(Error::refused(Code::Forbidden, detail));
    }
    let by = work.actor().name.clone();
    let (_, times) = queries::places(work.db(), &[decision_id]).await?;
    let at = times.into_iter().next().ok_or_else(|| Error::not_found("decision", decision_id))?;
    let report = OutcomeReport { decision_id: decision_id.to_owned(), outcome };
    record(work.db(), &by, &[(&report, at)]).await?;
    let reported = queries::by_id(work.db(), decision_id).await?;
    work.commit().await?;
    Ok(reported)
}

/// The status of what was reported about each of these decisions, by its id; none for a decision without a report.
pub(crate) async fn reported(store: &Store, ids: &[&str]) -> Result<HashMap<String, OutcomeStatus>> {
    let mut db = store.pool().acquire().await?;
    let (ids, times) = queries::places(&mut db, ids).await?;
    let rows: Vec<(String, String)> = sqlx::query_as(concatcp!(
        "select d.decision_id, d.status from policy_decision_outcomes d ",
        queries::AT_PLACES
    ))
    .bind(ids)
    .bind(times)
    .fetch_all(&mut *db)
    .await?;
    rows.into_iter().map(|(id, status)| Ok((id, names::read(&status)?))).collect()
}

/// Records many outcomes at once.
///
/// # Errors
/// Denied without [`Permission::Evaluate`]; more than 10,000 lines; values outside their range, each with its pointer.
/// Unknown decisions and those of other tokens are no error: they are listed in the answer.
pub async fn report_outcomes(store: &Store, actor: &Actor, reports: &[OutcomeReport]) -> Result<OutcomesReported> {
    let permit = authorize(actor, Permission::Evaluate)?;
    if reports.len() > MAX_BATCH {
        let detail = format!("a batch has at most {MAX_BATCH} outcomes; this one has {}", reports.len());
        return Err(Problem::invalid_field("/outcomes", detail).into());
    }
    refuse(
        reports.iter().enumerate().flat_map(|(i, report)| check(&report.outcome, &format!("/outcomes/{i}"))).collect(),
    )?;
    let mut work = Work::begin(store, permit).await?;
    let ids: Vec<&str> = reports.iter().map(|report| report.decision_id.as_str()).collect();
    let (ids, times) = queries::places(work.db(), &ids).await?;
    let rows: Vec<(String, String, Option<i64>, OffsetDateTime)> = sqlx::query_as(concatcp!(
        "select decision_id, agent, asked_by, recorded_at from policy_decisions d ",
        queries::AT_PLACES
    ))
    .bind(ids)
    .bind(times)
    .fetch_all(work.db())
    .await?;
    let mine: HashMap<&str, (bool, OffsetDateTime)> = rows
        .iter()
        .map(|(id, agent, asked_by, at)| (id.as_str(), (actor.pass.may_report(agent, *asked_by), *at)))
        .collect();
    let (mut found, mut unknown, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for report in reports {
        match mine.get(&*storable(&report.decision_id)) {
            Some((true, at)) => found.push((report, *at)),
            Some((false, _)) => refused.push(report.decision_id.clone()),
            None => unknown.push(report.decision_id.clone()),
        }
    }
    let by = work.actor().name.clone();
    let recorded = record(work.db(), &by, &found).await?;
    work.commit().await?;
    let given = u64::try_from(found.len()).unwrap_or(u64::MAX);
    Ok(OutcomesReported { recorded, repeated: given.saturating_sub(recorded), unknown, refused })
}

/// Adds outcomes, and moves their decisions from one row of counts to another.
const RECORD: &str = concatcp!(
    "with reported as materialized (
         select * from unnest($1::text[], $2::timestamptz[], $3::text[], $4::float8[], $5::float8[], $6::bool[],
             $7::float8[], $8::text[], $10::timestamptz[])
             as reported (decision_id, recorded_at, status, cost, margin_bps, success, latency_ms, note, reported_at)
     ), new as (
         insert into policy_decision_outcomes
             (decision_id, recorded_at, status, cost, margin_bps, success, latency_ms, note, reported_at, reported_by)
         select decision_id, recorded_at, status, cost, margin_bps, success, latency_ms, note, coalesce(reported_at, now()),
             $9
         from reported order by decision_id, recorded_at
         on conflict (decision_id, recorded_at) do nothing
         returning decision_id, recorded_at, status as outcome, cost, margin_bps, success, latency_ms, reported_at
     ), moved as materialized (
         select d.recorded_at, d.stage, d.bundle_id, d.bundle_version, d.other_bundle_id, d.arm, d.mode, d.agent, d.action,
             d.other_pair, d.effect, d.status, d.other_effect, d.other_status, d.cost as budgeted, new.outcome,
             new.cost as reported_cost, new.margin_bps, coalesce(new.success, new.outcome = 'ok') as succeeded,
             new.latency_ms, new.reported_at
         from new join policy_decisions d on d.decision_id = new.decision_id and d.recorded_at = new.recorded_at
         where d.recorded_at >= (select min(recorded_at) from reported)
             and d.recorded_at <= (select max(recorded_at) from reported)
     ), changed as materialized (
         select recorded_at, stage, bundle_id, bundle_version, other_bundle_id, arm, mode, agent, action, other_pair,
             effect, status, other_effect, other_status, outcome, 1 as decisions,
             coalesce(reported_cost, budgeted) as cost, reported_cost, margin_bps, succeeded, latency_ms, reported_at
         from moved
         union all
         select recorded_at, stage, bundle_id, bundle_version, other_bundle_id, arm, mode, agent, action, other_pair,
             effect, status, other_effect, other_status, null, -1, budgeted, null, null, false, null, null
         from moved
     ), cells as (",
    cells::ADD_CHANGED,
    ") select count(*) from new"
);

/// Adds outcomes of decisions that exist, each with the time its decision was recorded; returns how many were new.
async fn record(db: &mut PgConnection, by: &str, reports: &[(&OutcomeReport, OffsetDateTime)]) -> Result<u64> {
    record_past(db, by, reports, &vec![None; reports.len()]).await
}

/// As [`record`], with the times at which they were reported; now where there is none.
pub(crate) async fn record_past(
    db: &mut PgConnection,
    by: &str,
    reports: &[(&OutcomeReport, OffsetDateTime)],
    reported_at: &[Option<OffsetDateTime>],
) -> Result<u64> {
    let status = |status| match status {
        OutcomeStatus::Ok => "ok",
        OutcomeStatus::Error => "error",
    };
    let outcomes = || reports.iter().map(|(report, _)| &report.outcome);
    let new: i64 = sqlx::query_scalar(RECORD)
        .bind(reports.iter().map(|(report, _)| storable(&report.decision_id)).collect::<Vec<_>>())
        .bind(reports.iter().map(|(_, at)| *at).collect::<Vec<_>>())
        .bind(outcomes().map(|outcome| status(outcome.status)).collect::<Vec<_>>())
        .bind(outcomes().map(|outcome| outcome.cost).collect::<Vec<_>>())
        .bind(outcomes().map(|outcome| outcome.margin_bps).collect::<Vec<_>>())
        .bind(outcomes().map(|outcome| outcome.success).collect::<Vec<_>>())
        .bind(outcomes().map(|outcome| outcome.latency_ms).collect::<Vec<_>>())
        .bind(outcomes().map(|outcome| outcome.note.as_deref().map(storable)).collect::<Vec<_>>())
        .bind(by)
        .bind(reported_at)
        .fetch_one(db)
        .await?;
    Ok(new.unsigned_abs())
}

fn check(outcome: &Outcome, at: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let at_least_zero = [("cost", outcome.cost), ("latency_ms", outcome.latency_ms)];
    for (name, value) in at_least_zero {
        if value.is_some_and(|value| !value.is_finite() || value < 0.0) {
            faults.push(Fault::new(format!("{at}/{name}"), "must be a number, 0 or more"));
        }
    }
    if outcome.margin_bps.is_some_and(|value| !value.is_finite()) {
        faults.push(Fault::new(format!("{at}/margin_bps"), "must be a number"));
    }
    if outcome.note.as_ref().is_some_and(|note| note.chars().count() > MAX_NOTE_CHARS) {
        faults.push(Fault::new(format!("{at}/note"), format!("has at most {MAX_NOTE_CHARS} characters")));
    }
    faults
}

fn refuse(faults: Vec<Fault>) -> Result<()> {
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid_fields(faults).into()) }
}
