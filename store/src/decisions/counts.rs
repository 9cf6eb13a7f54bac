//! Figures over decisions, read from their counts.
//!
//! A window that begins at `since` holds the rows whose span begins then or later, and those of a stage that began then or
//! later. So what a stage decided is exact from its first decision on, whatever the length of a span; any other window
//! begins with the first whole span.

use const_format::concatcp;
use lifecycle::metrics::ArmStats;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::Result;

/// Selects the rows since `$1`. The first condition says roughly the same, for the index.
pub(super) const SINCE: &str = "at > $1::timestamptz - interval '1 hour' and (at >= $1 or stage >= $1)";

/// Decisions of one bundle, by effect and status.
#[derive(sqlx::FromRow)]
struct Counts {
    decisions: i64,
    allow: i64,
    deny: i64,
    needs_approval: i64,
    no_match: i64,
    errors: i64,
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
            errors: counts.errors.unsigned_abs(),
            avg_cost: counts.avg_cost,
        }
    }
}

/// The decisions a bundle served since `since` and before `until`. The cost of a decision is the reported cost, otherwise
/// the budget of its rule, otherwise 0.
pub(crate) async fn counts_between(
    db: &mut PgConnection,
    bundle_id: i64,
    since: OffsetDateTime,
    until: Option<OffsetDateTime>,
) -> Result<ArmStats> {
    let counts: Counts = sqlx::query_as(concatcp!(
        "select ",
        BY_EFFECT_AND_STATUS,
        ", case when sum(decisions) > 0 then (sum(cost_sum) / sum(decisions))::float8 end as avg_cost
         from policy_decision_counts
         where bundle_id = $2 and ",
        SINCE,
        " and ($3::timestamptz is null or at < $3)"
    ))
    .bind(since)
    .bind(bundle_id)
    .bind(until)
    .fetch_one(db)
    .await?;
    Ok(counts.into())
}

const BY_EFFECT_AND_STATUS: &str = "coalesce(sum(decisions), 0)::int8 as decisions,
     coalesce(sum(decisions) filter (where effect = 'allow'), 0)::int8 as allow,
     coalesce(sum(decisions) filter (where effect = 'deny'), 0)::int8 as deny,
     coalesce(sum(decisions) filter (where effect = 'needs_approval'), 0)::int8 as needs_approval,
     coalesce(sum(decisions) filter (where status = 'no_match'), 0)::int8 as no_match,
     coalesce(sum(decisions) filter (where status = 'error' or outcome = 'error'), 0)::int8 as errors";

/// How many decisions since `since` both this bundle and another answered, and how many of them differently.
pub(crate) async fn compared(db: &mut PgConnection, bundle_id: i64, since: OffsetDateTime) -> Result<(u64, u64)> {
    let (compared, diverging): (i64, i64) = sqlx::query_as(concatcp!(
        "select coalesce(sum(decisions), 0)::int8,
             coalesce(sum(decisions) filter (where effect <> other_effect), 0)::int8
         from policy_decision_counts
         where other_bundle_id is not null and (bundle_id = $2 or other_bundle_id = $2) and ",
        SINCE
    ))
    .bind(since)
    .bind(bundle_id)
    .fetch_one(db)
    .await?;
    Ok((compared.unsigned_abs(), diverging.unsigned_abs()))
}

/// What came of the decisions one bundle served, as packets project it: a denied decision has no margin; success and
/// latency are those of decisions that were carried out.
#[derive(Debug, Clone, Copy, PartialEq, sqlx::FromRow)]
pub(crate) struct Results {
    /// Decisions.
    pub decisions: i64,
    /// Decisions with a reported margin.
    pub margins: i64,
    /// Mean margin, in basis points.
    pub margin: Option<f64>,
    /// Decisions not denied, with an outcome.
    pub successes: i64,
    /// The share of them that succeeded.
    pub success: Option<f64>,
    /// Mean latency, in milliseconds.
    pub latency: Option<f64>,
}

/// The results of what this bundle served since `since`, without the answers given while evaluation was off.
pub(crate) async fn results(db: &mut PgConnection, bundle_id: i64, since: OffsetDateTime) -> Result<Results> {
    Ok(sqlx::query_as(concatcp!(
        "select decisions, margins, case when denied + carried_margins > 0
                 then (margin_sum / (denied + carried_margins))::float8 end as margin,
             outcomes as successes, case when outcomes > 0 then succeeded::float8 / outcomes end as success,
             case when latencies > 0 then (latency_sum / latencies)::float8 end as latency
         from (
             select coalesce(sum(decisions), 0)::int8 as decisions, coalesce(sum(margin_count), 0)::int8 as margins,
                 coalesce(sum(decisions) filter (where effect = 'deny'), 0)::int8 as denied,
                 coalesce(sum(margin_count) filter (where effect <> 'deny'), 0)::int8 as carried_margins,
                 coalesce(sum(margin_sum) filter (where effect <> 'deny'), 0) as margin_sum,
                 coalesce(sum(decisions) filter (where effect <> 'deny' and outcome is not null), 0)::int8 as outcomes,
                 coalesce(sum(succeeded) filter (where effect <> 'deny'), 0)::int8 as succeeded,
                 coalesce(sum(latency_count) filter (where effect <> 'deny'), 0)::int8 as latencies,
                 coalesce(sum(latency_sum) filter (where effect <> 'deny'), 0) as latency_sum
             from policy_decision_counts where bundle_id = $2 and mode <> 'bypass' and ",
        SINCE,
        ") sums"
    ))
    .bind(since)
    .bind(bundle_id)
    .fetch_one(db)
    .await?)
}

/// `part / whole`; 0 when `whole` is 0. Exact up to 2⁵³ decisions.
pub(crate) fn rate(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
