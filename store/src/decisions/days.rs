//! The days of the log, each a partition.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use time::{Date, Duration, OffsetDateTime, UtcOffset};

use crate::{Result, Store, time_limits::over_a_day};

/// How many days ahead there are partitions.
const DAYS_AHEAD: i64 = 7;

/// Makes the partitions of the days to come that have none. What was recorded on a day without one moves there.
///
/// # Errors
/// The database failed, or others use the log for too long: nothing was done, and it can be tried again.
pub async fn make_days_ahead(store: &Store) -> Result<()> {
    let mut db = store.pool().begin().await?;
    over_a_day(&mut db).await?;
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    sqlx::query("select countersign_make_days($1)")
        .bind((0..=DAYS_AHEAD).map(|days| day(now + Duration::days(days))).collect::<Vec<_>>())
        .execute(&mut *db)
        .await?;
    Ok(db.commit().await?)
}

/// Makes the partitions of the days of these times, if they have none.
pub(super) async fn make_days(db: &mut PgConnection, times: &[OffsetDateTime]) -> Result<()> {
    let days: BTreeSet<Date> = times.iter().copied().map(day).collect();
    let days: Vec<Date> = days.into_iter().collect();
    // A time ahead of the database's clock counts as now.
    let missing: Vec<Date> = sqlx::query_scalar(
        "select day from unnest($1::date[]) wanted (day)
         where day <= (now() at time zone 'UTC')::date
             and not exists (select from policy_decision_days known where known.day = wanted.day)",
    )
    .bind(&days)
    .fetch_all(&mut *db)
    .await?;
    if !missing.is_empty() {
        sqlx::query("select countersign_make_days($1)").bind(missing).execute(db).await?;
    }
    Ok(())
}

/// The day (UTC) of a time.
pub(super) fn day(at: OffsetDateTime) -> Date {
    at.to_offset(UtcOffset::UTC).date()
}
