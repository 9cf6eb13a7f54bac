//! Previewing a rollback.

use lifecycle::{
    authority::{Actor, Permission, authorize},
    rollout::RollbackPreview,
};
use policy::{bundle::Effect, engine::decide::Prepared, replay::Case};
use serde_json::Value;
use sqlx::types::Json;

use super::roll_back::successor;
use crate::{Error, Result, Store, bundles::row as bundle_row, names};

/// Maximum number of decisions of the last hour that are decided again, newest first.
const MAX_DECIDED: i64 = 20_000;

/// The effect that rolling this bundle back would have on the decisions of the last hour.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such bundle.
pub async fn preview(store: &Store, actor: &Actor, id: i64) -> Result<RollbackPreview> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    let bundle = bundle_row::by_id(&mut db, id).await?;
    let restored = if bundle.state()?.is_in_service() { successor(&mut db, &bundle).await? } else { None };
    let decisions: i64 = sqlx::query_scalar(
        "select coalesce(sum(decisions), 0)::int8 from policy_decision_counts
         where bundle_id = $1 and at >= now() - interval '1 hour'",
    )
    .bind(id)
    .fetch_one(&mut *db)
    .await?;
    let flips = match &restored {
        None => 0,
        Some(restored) => {
            let rows: Vec<(String, String, Json<Value>, String)> = sqlx::query_as(
                "select agent, action, context, effect from policy_decisions
                 where bundle_id = $1 and recorded_at >= now() - interval '1 hour'
                 order by recorded_at desc, seq desc limit $2",
            )
            .bind(id)
            .bind(MAX_DECIDED)
            .fetch_all(&mut *db)
            .await?;
            drop(db);
            let meaning = restored.source()?;
            let decide = move || flips(&Prepared::new(&meaning.parse_rules().bundle), rows);
            store.brief().run(&actor.name, decide).await??
        }
    };
    Ok(RollbackPreview {
        restored_version: restored.map(|restored| restored.version),
        decisions_last_hour: decisions.unsigned_abs(),
        flips,
    })
}

/// How many of these decisions `restored` decides differently.
fn flips(restored: &Prepared, rows: Vec<(String, String, Json<Value>, String)>) -> Result<u64> {
    let mut flips = 0;
    for (agent, action, context, effect) in rows {
        let context = serde_json::from_value(context.0).map_err(Error::damaged)?;
        let case = Case { case_id: String::new(), agent, action, context, expected_effect: None };
        let before: Effect = names::read(&effect)?;
        flips += u64::from(restored.decide(&case.input()).effect != before);
    }
    Ok(flips)
}
