//! Measuring bundles in service against the bundle they replaced. Each measurement is an audit entry, so that the KPIs
//! can be computed again from an exported record.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Role, Via, authorize},
};
use policy::Timestamp;
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{Result, Store, decisions::results, work::Work};

/// The advisory lock under which bundles are measured: several servers may try at once.
const LOCK: i64 = 0x636f_756e_7465_7203;

/// A bundle that entered service in the last 30 days, has outcomes that have not been measured yet, and was not
/// measured in the last hour.
#[derive(sqlx::FromRow)]
struct Due {
    bundle_id: i64,
    version: String,
    applied_at: OffsetDateTime,
    base_id: i64,
    base_version: String,
}

/// Measures every bundle that is due; returns how many were.
///
/// # Errors
/// The database failed.
pub async fn monitor(store: &Store) -> Result<usize> {
    let mut db = store.pool().acquire().await?;
    if due(&mut db).await?.is_empty() {
        return Ok(0);
    }
    drop(db);
    let system = Actor::new("system", [Role::Admin].into(), Via::Job);
    let mut work = Work::begin(store, authorize(&system, Permission::Administer)?).await?;
    let locked: bool =
        sqlx::query_scalar("select pg_try_advisory_xact_lock($1)").bind(LOCK).fetch_one(work.db()).await?;
    if !locked {
        return Ok(0);
    }
    let due = due(work.db()).await?;
    for bundle in &due {
        measure(&mut work, bundle).await?;
    }
    work.commit().await?;
    Ok(due.len())
}

async fn due(db: &mut PgConnection) -> Result<Vec<Due>> {
    Ok(sqlx::query_as(
        "select b.id as bundle_id, b.version, a.at as applied_at, base.id as base_id, base.version as base_version
         from policy_apply_record a
         join policy_bundles b on b.id = a.bundle_id
         join policy_bundles base on base.id = coalesce(
             (select p.base_id from policy_packets p where p.packet_id = a.packet_id and p.bundle_id = a.bundle_id
              order by p.row_id desc limit 1),
             (select o.bundle_id from policy_apply_record o where o.to_pct = 100 and o.at < a.at
              and o.bundle_id <> a.bundle_id order by o.at desc limit 1))
         left join lateral (select max(at) as at from policy_lifecycle_audit
             where event_type = 'monitored' and subject_type = 'bundle' and subject_id = b.id::text) last on true
         where a.from_pct = 0 and a.at >= now() - interval '720 hours'
             and (last.at is null or last.at < now() - interval '1 hour')
             and exists (select from policy_decision_counts c
                 where c.bundle_id = b.id and c.at > a.at - interval '1 hour' and (c.at >= a.at or c.stage >= a.at)
                     and c.reported_at > coalesce(last.at, '-infinity'))
         order by b.id",
    )
    .fetch_all(db)
    .await?)
}

async fn measure(work: &mut Work, due: &Due) -> Result<()> {
    // For the base, the day before counts too: the base may have had no traffic since.
    let own = results(work.db(), due.bundle_id, due.applied_at).await?;
    let base = results(work.db(), due.base_id, due.applied_at - time::Duration::days(1)).await?;
    let both = |own: i64, base: i64| own > 0 && base > 0;
    let difference = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a - b);
    let margin = difference(own.margin, base.margin).filter(|_| both(own.margins, base.margins));
    let success = difference(own.success, base.success).filter(|_| both(own.successes, base.successes));
    let latency = difference(own.latency, base.latency);
    let realized = json!({
        "margin_delta_bps": margin.map(f64::round),
        "success_delta_bps": success.map(|share| (share * 10_000.0).round()),
        "approval_latency_delta_ms": latency.map(f64::round),
    });
    let detail = json!({
        "version": due.version, "base_version": due.base_version, "realized_kpis": realized,
        "since": Timestamp::from(due.applied_at), "decisions": own.decisions, "margins": own.margins,
        "base_decisions": base.decisions, "base_margins": base.margins,
    });
    let summary = match margin {
        Some(margin) => {
            let (version, base, bps) = (&due.version, &due.base_version, margin.round() as i64);
            format!("{version} changes the margin by {bps:+} bps a decision against {base}")
        }
        None => format!("what came of {} was measured; no margin can be compared yet", due.version),
    };
    work.note(EventType::Monitored, "bundle", due.bundle_id, summary, detail);
    Ok(())
}
