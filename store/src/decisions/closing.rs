//! Closing the days of the log: 15 minutes after its end, nothing is added to a day any more, and its digest goes into the
//! audit record, which the database cannot forge.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Permit, Role, Via, authorize},
};
use serde_json::json;
use time::Date;

use super::lines;
use crate::{Result, Store, work::Work};

/// The advisory lock under which days are closed, archived and brought back: one at a time.
const LOCK: i64 = 0x636f_756e_7465_7205;

/// Closes the days that are over; returns how many were closed.
///
/// # Errors
/// The database failed, or others use the log for too long: it can be tried again.
pub async fn close_days(store: &Store) -> Result<usize> {
    let due: Vec<Date> = sqlx::query_scalar(
        "select day from policy_decision_days
         where closed_at is null and (day + 1)::timestamp at time zone 'UTC' + interval '15 minutes' <= now() order by day",
    )
    .fetch_all(store.pool())
    .await?;
    let mut closed = 0;
    for day in due {
        closed += usize::from(close(store, day).await?);
    }
    Ok(closed)
}

/// Closes one day, unless another server does.
async fn close(store: &Store, day: Date) -> Result<bool> {
    let mut work = Work::begin_over_a_day(store, permit()?).await?;
    if !lock(&mut work).await? {
        return Ok(false);
    }
    let open: bool = sqlx::query_scalar("select closed_at is null from policy_decision_days where day = $1")
        .bind(day)
        .fetch_one(work.db())
        .await?;
    if !open {
        return Ok(false);
    }
    sqlx::query("select countersign_close_day($1)").bind(day).execute(work.db()).await?;
    let lines = lines::decisions(work.db(), day, |_| Ok(())).await?;
    let (count, digest) = (lines.count(), lines.digest());
    sqlx::query("update policy_decision_days set closed_at = now(), decisions = $2, digest = $3 where day = $1")
        .bind(day)
        .bind(i64::try_from(count).unwrap_or(i64::MAX))
        .bind(&digest)
        .execute(work.db())
        .await?;
    let summary = format!("the log of {day} was closed with {count} decisions");
    work.note(EventType::DecisionsClosed, "day", day, summary, json!({"decisions": count, "digest": digest}));
    work.commit().await?;
    Ok(true)
}

/// Whether this transaction may close, archive or bring back a day now.
pub(super) async fn lock(work: &mut Work) -> Result<bool> {
    Ok(sqlx::query_scalar("select pg_try_advisory_xact_lock($1)").bind(LOCK).fetch_one(work.db()).await?)
}

/// The permit with which a job keeps the log in order.
pub(super) fn permit() -> Result<Permit> {
    let system = Actor::new("system", [Role::Admin].into(), Via::Job);
    Ok(authorize(&system, Permission::Administer)?)
}
