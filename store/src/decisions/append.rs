//! Adding decisions. One statement writes a batch whole: the ids, the decisions and the counts, in one transaction and one
//! round trip. Joins between the batch and what was new of it are spelt as hashed subqueries, because the planner takes an
//! array for ten rows and would compare each with each.

use std::collections::HashSet;

use const_format::concatcp;
use sqlx::{Connection, PgConnection};

use super::{
    batch::{ASKED, Batch, Recorded, refuse_unwritable},
    cells,
    days::make_days,
    idempotency::{self, DuplicateDecision},
    pending::{Decision, stored_id},
    row::WRITTEN,
};
use crate::{Result, Store};

/// For how long a repeated id is recognised.
pub(super) const IDS_COUNT_FOR: &str = "interval '48 hours'";

/// Writes a batch; null if every decision was new, otherwise the ids of those that were.
const APPEND: &str = concatcp!(
    "with live as materialized (
         select max(stage_started_at) as stage from policy_bundles
     ), asked as materialized (
         select asked.*, least(coalesce(past, now()), now()) as recorded_at from ",
    ASKED,
    "), new as (
         insert into policy_decision_ids as known (decision_id, recorded_at)
         select decision_id, recorded_at from asked order by decision_id
         on conflict (decision_id) do update set recorded_at = excluded.recorded_at, written_at = excluded.written_at
             where known.written_at < now() - ",
    IDS_COUNT_FOR,
    " returning decision_id
     ), fresh as materialized (
         select asked.*, case when recorded_at >= live.stage then live.stage end as stage from asked, live
         where (decision_id in (select decision_id from new)) is true
     ), known_pairs as materialized (
         select agent, action from policy_counted_pairs where minute = date_trunc('minute', now())
     ), unknown_pairs as materialized (
         select distinct agent, action from fresh
         where ((agent, action) in (select agent, action from known_pairs)) is not true
             and (select count(*) from known_pairs) < 1000
     ), added_pairs as materialized (
         select added.* from (select array_agg(agent) as agents, array_agg(action) as actions from unknown_pairs
                 having count(*) > 0) unknown,
             lateral countersign_count_pairs(unknown.agents, unknown.actions) added
     ), counted as materialized (
         select *, ((agent, action) in (select agent, action from known_pairs)) is true
             or ((agent, action) in (select agent, action from added_pairs)) is true as named
         from fresh
     ), stored as (
         insert into policy_decisions (",
    WRITTEN,
    ", recorded_at, stage, other_pair)
         select decision_id, decided_at, agent, action, subject, context::json, effect, status, matched_rule, reason,
             budget::json, cost, bundle_id, bundle_version, bundle_digest, arm, mode, errors::json, other_bundle_id,
             other_version, other_digest, other_effect, other_status, other_rule, asked_by, recorded_at, stage,
             case when not named then true end
         from counted
     ), subjects as (
         insert into policy_stage_subjects as s (stage, bundle_id, bucket, decisions, zeros, seen)
         select stage, bundle_id, bucket, count(*), max(zeros), bit_or(seen) from counted
         where stage is not null and bundle_id is not null group by 1, 2, 3 order by 1, 2, 3
         on conflict (stage, bundle_id, bucket, writer) do update
             set decisions = s.decisions + excluded.decisions, zeros = greatest(s.zeros, excluded.zeros),
                 seen = s.seen | excluded.seen
     ), changed as materialized (
         select recorded_at, stage, bundle_id, bundle_version, other_bundle_id, arm, mode, agent, action, not named as other_pair,
             effect, status, other_effect, other_status, null::text as outcome, 1 as decisions, cost,
             null::float8 as reported_cost, null::float8 as margin_bps, false as succeeded, null::float8 as latency_ms,
             null::timestamptz as reported_at
         from counted
     ), cells as (",
    cells::ADD_CHANGED,
    ")
     select case when (select count(*) from new) < (select count(*) from asked)
         then array(select decision_id from new) end"
);

/// Adds decisions of the past: all or none. Each counts as recorded when it was decided, at the latest now; otherwise as
/// [`Appender::append`]. For examples and tests: who decides now uses an [`Appender`].
///
/// # Errors
/// The database failed. Either no decision was added, or it is unknown whether they were; adding them again is safe.
pub async fn append<D: Decision>(store: &Store, decisions: &[D]) -> Result<Vec<DuplicateDecision>> {
    if decisions.is_empty() {
        return Ok(Vec::new());
    }
    // In one transaction, so that nothing closes a day between its making and the first decision in it.
    let mut db = store.pool().begin().await?;
    let repeated = write(&mut db, decisions, Recorded::WhenDecided).await?;
    db.commit().await?;
    Ok(repeated)
}

/// Adds batch after batch, over a connection of its own that nothing else waits for.
#[derive(Debug)]
pub struct Appender {
    store: Store,
    /// `None` until the connection is needed, and after any failure on it.
    connection: Option<PgConnection>,
}

impl Appender {
    /// An appender that connects once there is something to add.
    pub fn new(store: Store) -> Self {
        Self { store, connection: None }
    }

    /// Adds decisions, recorded now by the database's clock: all or none. A decision whose id was in the log within the
    /// last 48 hours, or occurs earlier in `decisions`, is not added; the answer lists those decisions in order. Takes no
    /// actor: the decisions were authorized when they were made.
    ///
    /// A batch whose connection is lost is retried once over a new connection. May be cancelled at any point; whether the
    /// batch was added is then unknown, and adding it again is safe.
    ///
    /// # Errors
    /// As [`append`].
    pub async fn append<D: Decision>(&mut self, decisions: &[D]) -> Result<Vec<DuplicateDecision>> {
        if decisions.is_empty() {
            return Ok(Vec::new());
        }
        // The connection is put back only after a success: a connection in the middle of a batch cannot take the next
        // batch.
        if let Some(mut connection) = self.connection.take() {
            match write(&mut connection, decisions, Recorded::Now).await {
                Ok(repeated) => {
                    self.connection = Some(connection);
                    return Ok(repeated);
                }
                Err(error) if error.is_about_content() => return Err(error),
                // The database may have been restarted or replaced since the last batch: retry.
                Err(_) => {}
            }
        }
        let mut connection = PgConnection::connect_with(&self.store.pool().connect_options()).await?;
        // The plan is the same for every batch, and making it takes longer than a small batch.
        sqlx::query("set plan_cache_mode = force_generic_plan").execute(&mut connection).await?;
        let repeated = write(&mut connection, decisions, Recorded::Now).await?;
        self.connection = Some(connection);
        Ok(repeated)
    }
}

/// Adds decisions, recorded now, in a transaction of the caller, who authorized them.
///
/// # Errors
/// The database failed, and the transaction with it.
pub(crate) async fn append_in<D: Decision>(db: &mut PgConnection, decisions: &[D]) -> Result<Vec<DuplicateDecision>> {
    write(db, decisions, Recorded::Now).await
}

async fn write<D: Decision>(
    db: &mut PgConnection,
    decisions: &[D],
    recorded: Recorded,
) -> Result<Vec<DuplicateDecision>> {
    refuse_unwritable(decisions)?;
    let batch = Batch::new(decisions, recorded)?;
    if recorded == Recorded::WhenDecided {
        make_days(db, batch.times()).await?;
    }
    let new: Option<Vec<String>> = batch.bind(sqlx::query_scalar(APPEND)).fetch_one(&mut *db).await?;
    // Ids that occur twice in the batch are not among those that were asked for.
    let mut new: HashSet<String> = match new {
        Some(new) => new.into_iter().collect(),
        None => decisions.iter().map(|decision| stored_id(decision).into_owned()).collect(),
    };
    let repeated = decisions.iter().enumerate().filter(|(_, decision)| !new.remove(&*stored_id(*decision)));
    let places: Vec<usize> = repeated.map(|(place, _)| place).collect();
    idempotency::find(db, decisions, &places).await
}
