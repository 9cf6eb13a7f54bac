//! Raising a bundle's share of traffic.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    bundle::{Record, State, state::Command},
    problem::{Code, Problem},
    rollout::{
        Stage,
        freeze::Operation,
        promotion::{blocked_by, promotable_at, seconds_remaining},
    },
};
use serde_json::json;

use super::{
    apply::{packet_of, record, stage_of},
    freezes::refuse_when_frozen,
    measure,
};
use crate::{
    Error, Result, Store,
    bundles::row::{self as bundle_row, COLUMNS, Row},
    settings, system,
    work::Work,
};

/// Raises a bundle's share of traffic to the next stage. Reaching 100 % supersedes the old stable.
///
/// # Errors
/// Denied without [`Permission::Apply`]; no such bundle; `invalid_transition` when it is not in rollout;
/// `gate_not_passed` with `seconds_remaining`, `promotable_at` and `blocked_by`; `paused`; `frozen`.
pub async fn promote(store: &Store, actor: &Actor, id: i64, target_pct: i16) -> Result<Record> {
    let permit = authorize(actor, Permission::Apply)?;
    let target = Stage::from_percent(target_pct).filter(|stage| *stage != Stage::Shadow).ok_or_else(|| {
        Problem::invalid_field("/target_pct", format!("a bundle is promoted to 10, 50 or 100 %, not to {target_pct} %"))
    })?;
    // Measuring takes time, and emergency commands wait for whoever holds the serving lock: so it comes first.
    let mut db = store.pool().acquire().await?;
    let seen = bundle_row::by_id(&mut db, id).await?;
    let seen_stable = bundle_row::stable(&mut db).await?;
    let seen_config = settings::load(&mut *db).await?.gates;
    let measured = measure::measure(&mut db, &seen, seen_stable.as_ref(), &seen_config).await?;
    drop(db);
    let mut work = Work::begin_serving(store, permit).await?;
    let bundle = bundle_row::by_id_locked(work.db(), id).await?;
    let from = bundle.state()?;
    let (stage, started) =
        stage_of(&bundle).filter(|_| matches!(from, State::Shadow | State::Canary)).ok_or_else(|| {
            let to = if target == Stage::Active { State::Active } else { State::Canary };
            Problem::new(
                Code::InvalidTransition,
                format!("{} is `{from}`: only a bundle in rollout can be promoted", bundle.version),
            )
            .with("from", from.name())
            .with("to", to.name())
        })?;
    system::refuse_when_paused(work.db()).await?;
    let config = settings::load(work.db()).await?.gates;
    let stable = bundle_row::stable(work.db()).await?;
    refuse_when_frozen(&mut work, Operation::Promote, &bundle, stable.as_ref()).await?;
    // What may have changed while this waited: what serves, since when, and by which limits it is measured.
    let before = (seen.stage_started_at, seen_stable.map(|stable| stable.id), seen_config);
    if before != (bundle.stage_started_at, stable.as_ref().map(|stable| stable.id), config) {
        return Err(Error::refused(Code::Conflict, "what serves was changed at the same moment; look again"));
    }
    let gates = lifecycle::rollout::gates::evaluate_counts(&measured.counts, &config);
    let reasons = blocked_by(stage, Some(target_pct), started, work.now, &config, &gates);
    if let Some(first) = reasons.first() {
        let left = started.map_or(0, |started| seconds_remaining(started, work.now, &config));
        let detail = format!("{} cannot be promoted to {target_pct} %: {first}", bundle.version);
        let at = started.map(|started| promotable_at(started, &config).to_string());
        return Err(Problem::new(Code::GateNotPassed, detail)
            .with("seconds_remaining", left)
            .with("promotable_at", at)
            .with("blocked_by", reasons.clone())
            .with("gates", serde_json::to_value(&gates).map_err(Error::damaged)?)
            .into());
    }

    let full = target == Stage::Active;
    let state = from.apply(Command::Promote { to_full: full }).map_err(Problem::from)?;
    // The old stable leaves first: the database allows only one.
    let superseded = match stable {
        Some(stable) if full => {
            let next = stable.state()?.apply(Command::Supersede).map_err(Problem::from)?;
            sqlx::query(
                "update policy_bundles set state = $2, active = false, canary_pct = 0, stage_started_at = null,
                     updated_at = now(), revision = revision + 1 where id = $1",
            )
            .bind(stable.id)
            .bind(next.name())
            .execute(work.db())
            .await?;
            Some(stable)
        }
        _ => None,
    };
    let sql = concatcp!(
        "update policy_bundles set state = $2, active = true, canary_pct = $3, stage_started_at = now(),
             reached_full_at = case when $4 then now() else reached_full_at end, updated_at = now(),
             revision = revision + 1
         where id = $1 returning ",
        COLUMNS
    );
    let after: Row =
        sqlx::query_as(sql).bind(id).bind(state.name()).bind(target_pct).bind(full).fetch_one(work.db()).await?;
    let packet_id = packet_of(&store.keys(), &mut work, id).await?;
    let record = record(&store.keys(), &mut work, &after, packet_id.as_deref(), bundle.canary_pct).await?;
    let detail = json!({
        "version": after.version, "from_state": bundle.state, "to_state": state.name(), "from_pct": bundle.canary_pct,
        "to_pct": target_pct, "digest": after.digest, "metrics": measured.metrics(), "apply_id": record.id,
        "verification_checksum": record.verification_checksum, "signature": record.signature,
    });
    let summary = format!("{} went from {} % to {target_pct} %", after.version, bundle.canary_pct);
    work.note(EventType::Promoted, "bundle", id, summary, detail);
    if let Some(old) = superseded {
        let detail = json!({
            "version": old.version, "from_state": old.state, "to_state": State::Superseded.name(), "by": after.version,
        });
        let summary = format!("{} was superseded by {}", old.version, after.version);
        work.note(EventType::Superseded, "bundle", old.id, summary, detail);
    }
    work.commit().await?;
    after.record()
}
