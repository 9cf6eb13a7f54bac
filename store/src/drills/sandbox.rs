//! A sandbox: temporary copies of the tables a rollout writes to, under their own names, visible to one connection
//! only. The code of a real rollout runs on the copies unchanged; the live state is neither written nor locked, and no
//! server is notified, because the copies have no triggers. Everything is inside one transaction, which is always
//! rolled back.

use lifecycle::authority::Permit;
use sqlx::{AssertSqlSafe, PgConnection};

use super::candidate::Chosen;
use crate::{Error, Result, Store, work::Work};

/// Every table that applying and rolling back write to, or that decides whether they are allowed.
const TABLES: [&str; 9] = [
    "policy_bundles",
    "policy_packets",
    "policy_packet_actions",
    "system_state",
    "policy_apply_record",
    "policy_rollback_record",
    "incident_numbers",
    "incidents",
    "incident_timeline",
];

/// An open sandbox. Dropping it rolls it back, too.
pub(super) struct Sandbox {
    pub work: Work,
    store: Store,
}

impl Sandbox {
    /// Copies the live state and puts the copy into the state before the candidate was applied: its base serves
    /// everything, there is no canary, no pause is in force.
    pub async fn open(store: &Store, permit: Permit, chosen: &Chosen) -> Result<Self> {
        // A connection of its own: on one of the pool's, prepared statements may still refer to the real tables.
        let store = store.apart().await?;
        let mut work = Work::begin(&store, permit).await?;
        if let Some(as_of) = chosen.as_of {
            work.now = as_of;
        }
        let live = copy(work.db()).await?;
        fill(work.db(), &live, chosen).await?;
        reset(work.db(), chosen).await?;
        Ok(Self { work, store })
    }

    /// Puts the candidate back to `approved`, as a new review would: a bundle that was rolled back never returns by
    /// itself.
    pub async fn reset_to_approved(&mut self, chosen: &Chosen) -> Result<()> {
        reset(self.work.db(), chosen).await
    }

    /// Rolls everything back.
    pub async fn roll_back(self) -> Result<()> {
        self.work.roll_back().await?;
        self.store.pool().close().await;
        Ok(())
    }
}

/// Makes the copies, empty; returns the schema of the real tables, quoted. From here on the names refer to the copies.
async fn copy(db: &mut PgConnection) -> Result<String> {
    let live: String = sqlx::query_scalar(
        "select quote_ident(n.nspname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.oid = 'policy_bundles'::regclass",
    )
    .fetch_one(&mut *db)
    .await?;
    for table in TABLES {
        let sql = format!("create temporary table {table} (like {live}.{table} including all) on commit drop");
        sqlx::query(in_schema(sql)).execute(&mut *db).await?;
    }
    let tables: Vec<&str> = TABLES.to_vec();
    let copies: i64 = sqlx::query_scalar(
        "select count(*) from unnest($1::text[]) name join pg_class c on c.oid = to_regclass(name)
         where c.relnamespace = pg_my_temp_schema()",
    )
    .bind(&tables[..])
    .fetch_one(db)
    .await?;
    // A drill that might reach the live state must not run.
    if usize::try_from(copies) == Ok(TABLES.len()) {
        Ok(live)
    } else {
        Err(Error::Internal(format!("only {copies} of the sandbox's tables stand before the real ones")))
    }
}

/// SQL that names a schema, which no parameter can stand for: its other parts are constants of this file, and
/// PostgreSQL itself has quoted the schema.
fn in_schema(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}

/// Copies the rows that matter.
async fn fill(db: &mut PgConnection, live: &str, chosen: &Chosen) -> Result<()> {
    let bundles = format!(
        "insert into policy_bundles overriding system value select * from {live}.policy_bundles
         where active or state = 'shadow' or reached_full_at is not null or id in ($1, $2)"
    );
    sqlx::query(in_schema(bundles)).bind(chosen.candidate.id).bind(chosen.base_id).execute(&mut *db).await?;
    for table in ["policy_packets", "policy_packet_actions"] {
        let sql =
            format!("insert into {table} overriding system value select * from {live}.{table} where packet_id = $1");
        sqlx::query(in_schema(sql)).bind(&chosen.candidate.packet_id).execute(&mut *db).await?;
    }
    let switches = format!("insert into system_state select * from {live}.system_state");
    sqlx::query(in_schema(switches)).execute(&mut *db).await?;
    sqlx::query("update system_state set pause = null, enabled = true").execute(db).await?;
    Ok(())
}

/// The state before the candidate was applied.
async fn reset(db: &mut PgConnection, chosen: &Chosen) -> Result<()> {
    sqlx::query(
        "update policy_bundles set state = case when id = $2 or state in ('canary', 'shadow') then 'approved'
                 when state = 'active' then 'superseded' else state end,
             active = false, canary_pct = 0, stage_started_at = null
         where id <> $1 and (active or state = 'shadow' or id = $2)",
    )
    .bind(chosen.base_id)
    .bind(chosen.candidate.id)
    .execute(&mut *db)
    .await?;
    sqlx::query("update policy_bundles set reached_full_at = null, rolled_back_at = null where id = $1")
        .bind(chosen.candidate.id)
        .execute(&mut *db)
        .await?;
    sqlx::query(
        "update policy_bundles set state = 'active', active = true, canary_pct = 100, rolled_back_at = null,
             reached_full_at = coalesce(reached_full_at, now()), stage_started_at = coalesce(stage_started_at, now())
         where id = $1",
    )
    .bind(chosen.base_id)
    .execute(db)
    .await?;
    Ok(())
}
