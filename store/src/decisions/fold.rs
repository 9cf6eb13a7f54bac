//! Adding rows of counts together as they grow older: those of all writers, then of a minute, ten minutes, an hour. So any
//! window has few rows, whatever the traffic.

use const_format::concatcp;

use super::{append::IDS_COUNT_FOR, cells};
use crate::{Result, Store, time_limits::over_a_day};

/// The advisory lock under which rows are added together: one server at a time.
const LOCK: i64 = 0x636f_756e_7465_7204;

/// A step: which rows become which. After 15 minutes nothing asks for agents and actions any more; a window of a day begins
/// within ten minutes of its start.
struct Step {
    /// The length of the rows' spans, in seconds.
    from: i32,
    /// The length of the spans that they are added to.
    to: i32,
    /// The age of a span's start from which it is done, in seconds.
    older_than: f64,
}

const STEPS: [Step; 4] = [
    Step { from: 10, to: 10, older_than: 20.0 },
    Step { from: 10, to: 60, older_than: 15.0 * 60.0 },
    Step { from: 60, to: 600, older_than: 2.0 * 3600.0 },
    Step { from: 600, to: 3600, older_than: 25.0 * 3600.0 },
];

const FOLD: &str = concatcp!(
    "with former as (
         delete from policy_decision_counts
         where span = $1 and ($1 < $2 or writer <> 0) and at < now() - make_interval(secs => $3)
         returning *
     ), part as materialized (
         select date_bin(make_interval(secs => $2), at, '2000-01-01 00:00+00') as at, stage, bundle_id, bundle_version,
             other_bundle_id, arm, mode, case when $2 = 10 then agent end as agent,
             case when $2 = 10 then action end as action, effect, status, other_effect, other_status, outcome, ",
    cells::MEASURES,
    "    from former
     )
     insert into policy_decision_counts as c (at, span, writer, key, ",
    cells::DIMENSIONS,
    ", ",
    cells::MEASURES,
    ")
     select at, $2, 0, countersign_count_key(",
    cells::DIMENSIONS,
    ") as key, ",
    cells::DIMENSIONS,
    ", sum(decisions), sum(cost_count), sum(cost_sum), sum(cost_squares), max(cost_max), sum(reported_cost_count), sum(margin_count),
         sum(margin_sum), sum(succeeded), sum(latency_count), sum(latency_sum), max(reported_at)
     from part group by at, ",
    cells::DIMENSIONS,
    " having (sum(decisions), sum(cost_count), sum(cost_sum), sum(cost_squares)) is distinct from (0, 0, 0, 0)
     order by at, key ",
    cells::ADD_TO_ROW
);

/// Adds rows of counts together, and forgets ids and pairs that are too old to matter. Does nothing while another server
/// does it. Figures are the same before and after.
///
/// # Errors
/// The database failed.
pub async fn fold_counts(store: &Store) -> Result<()> {
    let mut tx = store.pool().begin().await?;
    let alone: bool = sqlx::query_scalar("select pg_try_advisory_xact_lock($1)").bind(LOCK).fetch_one(&mut *tx).await?;
    if !alone {
        return Ok(());
    }
    over_a_day(&mut tx).await?;
    for step in STEPS {
        sqlx::query(FOLD).bind(step.from).bind(step.to).bind(step.older_than).execute(&mut *tx).await?;
    }
    // A connection that is gone adds to its rows no more.
    sqlx::query(
        "with former as (
             delete from policy_stage_subjects where writer <> 0 and writer not in (select pid from pg_stat_activity)
             returning *
         )
         insert into policy_stage_subjects as s (stage, bundle_id, bucket, writer, decisions, zeros, seen)
         select stage, bundle_id, bucket, 0, sum(decisions), max(zeros), bit_or(seen) from former group by 1, 2, 3
         on conflict (stage, bundle_id, bucket, writer) do update
             set decisions = s.decisions + excluded.decisions, zeros = greatest(s.zeros, excluded.zeros),
                 seen = s.seen | excluded.seen",
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query("delete from policy_counted_pairs where minute < now() - interval '5 minutes'")
        .execute(&mut *tx)
        .await?;
    // A bounded number at a time: the first run after a long stop must not hold everything up.
    sqlx::query(concatcp!(
        "delete from policy_decision_ids where decision_id in (
             select decision_id from policy_decision_ids where written_at < now() - ",
        IDS_COUNT_FOR,
        " limit 50000)"
    ))
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}
