//! A sandbox: temporary copies of the tables a rollout writes to, seen by one connection only, under the same names. The
//! code that serves runs on them unchanged; what is live is neither written nor locked, and nobody is notified, because
//! copies have no triggers. Everything is inside one transaction, which is always undone.

use lifecycle::authority::Permit;
use sqlx::{AssertSqlSafe, PgConnection};

use super::candidate::Chosen;
use crate::{Error, Result, Store, work::Work};

/// Every table that applying and rolling back writes to, or that decides whether they may.
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

/// An open sandbox. Dropping it undoes it too.
pub(super) struct Sandbox {
    pub work: Work,
    store: Store,
}

impl Sandbox {
    /// Copies what is live and puts the copy into the state before the candidate was applied: its base serves
    /// everything, nothing stands beside it, no pause is in force.
    pub async fn open(store: &Store, permit: Permit, chosen: &Chosen) -> Result<Self> {
        // A connection of its own: on one of the pool's, statements may have been prepared that still mean the real
        // tables.
        let store = store.apart().await?;
        let mut work = Work::begin(&store, permit).await?;
        if let Some(as_of) = chosen.as_of {
            work.now = as_of;
        }
        let live = copy(work.db()).await?;
        fill(work.db(), &live, chosen).await?;
        set_back(work.db(), chosen).await?;
        Ok(Self { work, store })
    }

    /// Puts the candidate back to `approved`, as a copy of it would be once it was reviewed again: what was rolled back
    /// never returns by itself.
    pub async fn approve_again(&mut self, chosen: &Chosen) -> Result<()> {
        set_back(self.work.db(), chosen).await
    }

    /// Undoes everything.
    pub async fn undo(self) -> Result<()> {
        self.work.undo().await?;
        self.store.pool().close().await;
        Ok(())
    }
}

/// Makes the copies, empty; answers the schema of the real tables, quoted. From here on the names mean the copies.
async fn copy(db: &mut PgConnection) -> Result<String> {
    let live: String = sqlx::query_scalar(
        "select quote_ident(n.nspname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.oid = 'policy_bundles'::regclass",
    )
    .fetch_one(&mut *db)
    .await?;
    for table in TABLES {
        let sql = format!("create temporary table {table} (like {live}.{table} including all) on commit drop");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *db).await?;
    }
    let tables: Vec<&str> = TABLES.to_vec();
    let copies: i64 = sqlx::query_scalar(
        "select count(*) from unnest($1::text[]) name join pg_class c on c.oid = to_regclass(name)
         where c.relnamespace = pg_my_temp_schema()",
    )
    .bind(&tables[..])
    .fetch_one(db)
    .await?;
    // Better no drill than one that might reach what is live.
    if usize::try_from(copies) == Ok(TABLES.len()) {
        Ok(live)
    } else {
        Err(Error::Internal(format!("only {copies} of the sandbox's tables stand before the real ones")))
    }
}

/// Copies the rows that matter.
async fn fill(db: &mut PgConnection, live: &str, chosen: &Chosen) -> Result<()> {
    let bundles = format!(
        "insert into policy_bundles overriding system value select * from {live}.policy_bundles
         where active or state = 'shadow' or reached_full_at is not null or id in ($1, $2)"
    );
    sqlx::query(AssertSqlSafe(bundles)).bind(chosen.candidate.id).bind(chosen.base_id).execute(&mut *db).await?;
    for table in ["policy_packets", "policy_packet_actions"] {
        let sql =
            format!("insert into {table} overriding system value select * from {live}.{table} where packet_id = $1");
        sqlx::query(AssertSqlSafe(sql)).bind(&chosen.candidate.packet_id).execute(&mut *db).await?;
    }
    let switches = format!("insert into system_state select * from {live}.system_state");
    sqlx::query(AssertSqlSafe(switches)).execute(&mut *db).await?;
    sqlx::query("update system_state set pause = null, enabled = true").execute(db).await?;
    Ok(())
}

/// The state before the candidate was applied.
async fn set_back(db: &mut PgConnection, chosen: &Chosen) -> Result<()> {
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
