//! The decisions behind an alarm.

use lifecycle::rollout::watch::{
    Cause,
    blame::{Largest, Offending},
};
use policy::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::Result;

#[derive(sqlx::FromRow)]
struct Row {
    total: i64,
    first_at: Option<OffsetDateTime>,
    subject: Option<String>,
    of_subject: Option<i64>,
    agent: Option<String>,
    of_agent: Option<i64>,
}

/// The decisions of a bundle since `since` that count towards an alarm, and when the first of them was recorded. A cost
/// counts above `cost_limit`, USD. They are read from the log, within its last minutes: only an alarm asks for them.
pub(crate) async fn offending(
    db: &mut PgConnection,
    bundle_id: i64,
    since: OffsetDateTime,
    cause: Cause,
    cost_limit: f64,
) -> Result<(Offending, Option<Timestamp>)> {
    let row: Row = sqlx::query_as(
        "with bad as (
             select d.subject, d.agent, d.recorded_at
             from policy_decisions d left join policy_decision_outcomes o
                 on o.decision_id = d.decision_id and o.recorded_at = d.recorded_at and o.recorded_at >= $2
             where d.bundle_id = $1 and d.recorded_at >= $2 and case $3
                 when 'error_rate' then d.status = 'error' or o.status = 'error'
                 when 'deny_rate' then d.effect = 'deny'
                 when 'no_match_rate' then d.status = 'no_match'
                 else coalesce(o.cost, d.cost) > $4 end
         ), by_subject as (
             select subject as name, count(*) as decisions from bad group by subject order by decisions desc, name limit 1
         ), by_agent as (
             select agent as name, count(*) as decisions from bad group by agent order by decisions desc, name limit 1
         )
         select (select count(*) from bad) as total, (select min(recorded_at) from bad) as first_at,
             s.name as subject, s.decisions as of_subject, a.name as agent, a.decisions as of_agent
         from (select) one left join by_subject s on true left join by_agent a on true",
    )
    .bind(bundle_id)
    .bind(since)
    .bind(cause.name())
    .bind(cost_limit)
    .fetch_one(db)
    .await?;
    let largest = |name: Option<String>, count: Option<i64>| {
        name.zip(count).map(|(name, count)| Largest { name, count: count.unsigned_abs() })
    };
    let offending = Offending {
        total: row.total.unsigned_abs(),
        subject: largest(row.subject, row.of_subject),
        agent: largest(row.agent, row.of_agent),
    };
    Ok((offending, row.first_at.map(Timestamp::from)))
}
