//! What people had to decide at run time.

use lifecycle::{
    authority::{Actor, Permission, authorize},
    kpi::approvals::{ApprovalKpi, RuleApprovals},
    review::content::ReplayReport,
};
use serde::Deserialize;
use serde_json::Value;
use sqlx::types::Json;

use crate::{Error, Result, Store};

/// How many days count.
const DAYS: i32 = 30;
/// How many rules are listed.
const MOST_RULES: i64 = 100;

#[derive(sqlx::FromRow)]
struct Row {
    rule: String,
    asked: i64,
    approved: i64,
    denied: i64,
    expired: i64,
    cancelled: i64,
    used: i64,
    median_seconds: Option<f64>,
    p95_seconds: Option<f64>,
}

/// Approvals of the last 30 days, by rule, and what the packet of the stable bundle forecast.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn approvals(store: &Store, actor: &Actor) -> Result<ApprovalKpi> {
    authorize(actor, Permission::Read)?;
    let rows: Vec<Row> = sqlx::query_as(
        "select rule, count(*) as asked, count(*) filter (where status = 'approved') as approved,
             count(*) filter (where status = 'denied') as denied,
             count(*) filter (where status = 'expired' or status = 'pending' and expires_at <= now()) as expired,
             count(*) filter (where status = 'cancelled') as cancelled, coalesce(sum(used), 0)::int8 as used,
             percentile_cont(0.5) within group (order by extract(epoch from ended_at - requested_at)::float8)
                 filter (where status in ('approved', 'denied')) as median_seconds,
             percentile_cont(0.95) within group (order by extract(epoch from ended_at - requested_at)::float8)
                 filter (where status in ('approved', 'denied')) as p95_seconds
         from policy_approvals where requested_at > now() - make_interval(days => $1)
         group by rule order by asked desc, rule limit $2",
    )
    .bind(DAYS)
    .bind(MOST_RULES)
    .fetch_all(store.pool())
    .await?;
    // At least a day, so that the first minutes do not look like a flood.
    let asked_per_day: f64 = sqlx::query_scalar(
        "select coalesce(count(*) / greatest(1.0, extract(epoch from now() - min(requested_at)) / 86400), 0)::float8
         from policy_approvals where requested_at > now() - make_interval(days => $1)",
    )
    .bind(DAYS)
    .fetch_one(store.pool())
    .await?;
    let replay: Option<Json<Value>> = sqlx::query_scalar(
        "select p.content->'replay' from policy_packets p join policy_bundles b on b.id = p.bundle_id
         where b.active and b.canary_pct = 100 and p.status = 'approved' order by p.row_id desc limit 1",
    )
    .fetch_optional(store.pool())
    .await?;
    let replay = replay.map(|json| ReplayReport::deserialize(&json.0)).transpose();
    let replay = replay.map_err(|error| Error::damaged(format!("packet: {error}")))?;
    let rule = |row: Row| RuleApprovals {
        rule: row.rule,
        asked: row.asked,
        approved: row.approved,
        denied: row.denied,
        expired: row.expired,
        cancelled: row.cancelled,
        used: row.used,
        median_seconds: row.median_seconds,
        p95_seconds: row.p95_seconds,
    };
    Ok(ApprovalKpi {
        forecast_per_day: replay.and_then(|replay| replay.approvals_per_day()).map(|(_, draft)| draft),
        asked_per_day,
        rules: rows.into_iter().map(rule).collect(),
    })
}
