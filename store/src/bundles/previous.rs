//! The version before the one at 100 %: it takes over when that one is rolled back.

use lifecycle::rollout::{last_known_good as newest_good, rollback::Served, watch::FRESH};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::row::Row;
use crate::Result;

/// The last known good version, should the bundle `leaving` be rolled back from 100 %.
pub(crate) async fn last_known_good(db: &mut PgConnection, leaving: i64) -> Result<Option<i64>> {
    let history: Vec<(i64, Option<OffsetDateTime>, bool)> = sqlx::query_as(
        "select id, reached_full_at, rolled_back_at is not null from policy_bundles
         where reached_full_at is not null and state in ('superseded', 'active')",
    )
    .fetch_all(&mut *db)
    .await?;
    let history: Vec<Served> = history
        .into_iter()
        .map(|(bundle_id, reached, rolled_back)| Served {
            bundle_id,
            reached_full_at: reached.map(Into::into),
            rolled_back,
        })
        .collect();
    Ok(newest_good(&history, leaving))
}

/// Whether a bundle was promoted to 100 % less than a day ago. One that returned by a rollback is not fresh: what is wrong
/// then has another cause, and rolling back once more would go on through the history.
pub(crate) async fn is_fresh(db: &mut PgConnection, stable: &Row) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "select $2 > now() - make_interval(secs => $3) and exists (
             select from policy_apply_record where bundle_id = $1 and to_pct = 100 and at >= $2)",
    )
    .bind(stable.id)
    .bind(stable.stage_started_at)
    .bind(FRESH.as_secs_f64())
    .fetch_one(&mut *db)
    .await
    .map(|fresh: Option<bool>| fresh.unwrap_or(false))?)
}
