//! Counts over the decisions of one bundle.

use lifecycle::metrics::ArmStats;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::Result;

/// Decisions of one bundle, by effect and status.
#[derive(sqlx::FromRow)]
struct Counts {
    decisions: i64,
    allow: i64,
    deny: i64,
    needs_approval: i64,
    no_match: i64,
    errors: i64,
    failed: i64,
    avg_cost: Option<f64>,
}

impl From<Counts> for ArmStats {
    fn from(counts: Counts) -> Self {
        Self {
            decisions: counts.decisions.unsigned_abs(),
            allow: counts.allow.unsigned_abs(),
            deny: counts.deny.unsigned_abs(),
            needs_approval: counts.needs_approval.unsigned_abs(),
            no_match: counts.no_match.unsigned_abs(),
            errors: counts.failed.unsigned_abs().max(counts.errors.unsigned_abs()),
            avg_cost: counts.avg_cost,
        }
    }
}

/// The decisions a bundle served since `since`. The cost of a decision is the reported cost, otherwise the budget of
/// its rule, otherwise 0.
pub(crate) async fn counts(db: &mut PgConnection, bundle_id: i64, since: OffsetDateTime) -> Result<ArmStats> {
    counts_between(db, bundle_id, since, None).await
}

/// The decisions a bundle served since `since` and before `until`.
pub(crate) async fn counts_between(
    db: &mut PgConnection,
    bundle_id: i64,
    since: OffsetDateTime,
    until: Option<OffsetDateTime>,
) -> Result<ArmStats> {
    let counts: Counts = sqlx::query_as(
        "select count(*) as decisions, count(*) filter (where d.effect = 'allow') as allow,
             count(*) filter (where d.effect = 'deny') as deny,
             count(*) filter (where d.effect = 'needs_approval') as needs_approval,
             count(*) filter (where d.status = 'no_match') as no_match,
             count(*) filter (where d.status = 'error') as errors,
             count(*) filter (where d.status = 'error' or o.status = 'error') as failed,
             avg(coalesce(o.cost, d.cost, 0)) as avg_cost
         from policy_decisions d left join policy_decision_outcomes o using (decision_id)
         where d.bundle_id = $1 and d.decided_at >= $2 and ($3::timestamptz is null or d.decided_at < $3)",
    )
    .bind(bundle_id)
    .bind(since)
    .bind(until)
    .fetch_one(db)
    .await?;
    Ok(counts.into())
}

/// The decisions a shadow would have made since `since`. They cost nothing.
pub(crate) async fn shadow_counts(db: &mut PgConnection, bundle_id: i64, since: OffsetDateTime) -> Result<ArmStats> {
    let counts: Counts = sqlx::query_as(
        "select count(*) as decisions, count(*) filter (where other_effect = 'allow') as allow,
             count(*) filter (where other_effect = 'deny') as deny,
             count(*) filter (where other_effect = 'needs_approval') as needs_approval,
             count(*) filter (where other_status = 'no_match') as no_match,
             count(*) filter (where other_status = 'error') as errors,
             count(*) filter (where other_status = 'error') as failed,
             null::float8 as avg_cost
         from policy_decisions where decided_at >= $2 and other_bundle_id = $1",
    )
    .bind(bundle_id)
    .bind(since)
    .fetch_one(db)
    .await?;
    Ok(counts.into())
}

/// `part / whole`; 0 when `whole` is 0. Exact up to 2⁵³ decisions.
pub(crate) fn rate(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
