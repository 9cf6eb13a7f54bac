//! A queue at a glance: what waits, by rule and agent; and what became of requests like one.

use lifecycle::authority::{Actor, Permission, authorize};
use serde::{Deserialize, Serialize};

use super::queries::{WAITS, deciding_roles};
use crate::{Result, Store};

/// How many groups are listed.
const MAX_GROUPS: i64 = 100;
/// How far back requests count as alike, in days.
const DAYS: i32 = 30;

/// Requests of one agent that one rule holds, which wait for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Group {
    /// The rule.
    pub rule: String,
    /// The agent.
    pub agent: String,
    /// How many wait.
    pub waiting: i64,
    /// How many were made in the last minute.
    pub last_minute: i64,
    /// The request that expires first.
    pub first: String,
}

/// What waits for the actor, by rule and agent, the largest group first.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn groups(store: &Store, actor: &Actor) -> Result<Vec<Group>> {
    authorize(actor, Permission::Read)?;
    let sql = const_format::concatcp!(
        "select r.rule, r.agent, count(*) as waiting,
             count(*) filter (where r.requested_at > now() - interval '1 minute') as last_minute,
             (array_agg(r.id order by r.expires_at, r.id))[1] as first
         from policy_approvals r where ",
        WAITS,
        " group by r.rule, r.agent order by count(*) desc, r.rule, r.agent limit $3"
    );
    Ok(sqlx::query_as(sql)
        .bind(&actor.name)
        .bind(deciding_roles(actor))
        .bind(MAX_GROUPS)
        .fetch_all(store.pool())
        .await?)
}

/// What became of requests that the same rule held for the same agent, in the last 30 days.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, sqlx::FromRow)]
pub struct Similar {
    /// Requests that were approved.
    pub approved: i64,
    /// Requests that were denied.
    pub denied: i64,
    /// Requests that nobody answered.
    pub expired: i64,
    /// Requests that their asker took back.
    pub cancelled: i64,
    /// Seconds to an answer: half of them took less.
    pub median_seconds: Option<f64>,
}

/// What became of requests like this one.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn similar(store: &Store, actor: &Actor, (rule, agent): (&str, &str)) -> Result<Similar> {
    authorize(actor, Permission::Read)?;
    Ok(sqlx::query_as(
        "select count(*) filter (where status = 'approved') as approved, count(*) filter (where status = 'denied') as denied,
             count(*) filter (where status = 'expired' or status = 'pending' and expires_at <= now()) as expired,
             count(*) filter (where status = 'cancelled') as cancelled,
             percentile_cont(0.5) within group (order by extract(epoch from ended_at - requested_at)::float8)
                 filter (where status in ('approved', 'denied')) as median_seconds
         from policy_approvals where rule = $1 and agent = $2 and requested_at > now() - make_interval(days => $3)",
    )
    .bind(rule)
    .bind(agent)
    .bind(DAYS)
    .fetch_one(store.pool())
    .await?)
}
