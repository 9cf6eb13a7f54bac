//! The workspace's metrics, for a monitoring system.

use lifecycle::{
    metrics::ErrorMetrics,
    rollout::{GateReport, gates},
    system::System,
};

use crate::{
    Result, Store, bundles::row as bundle_row, decisions::error_metrics, rollout::measure_stage, settings, system,
};

/// The window of [`WorkspaceMetrics::errors`].
const WINDOW: &str = "5m";

/// The metrics of the whole workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceMetrics {
    /// The live state.
    pub system: System,
    /// Errors in the last five minutes.
    pub errors: ErrorMetrics,
    /// The gates evaluated on the canary; `None` without a canary.
    pub gates: Option<GateReport>,
    /// Bundles in service whose automatic rollback failed, because nothing can take over.
    pub rollback_failures: u64,
    /// Cost of the decisions of the last 24 hours, as reported or otherwise as budgeted, USD.
    pub cost_24h: f64,
    /// Approval requests that wait for people.
    pub approvals_waiting: u64,
    /// Seconds for which the oldest of them has waited; 0 without one.
    pub approval_wait_seconds: f64,
    /// Cost budget for 24 hours of decisions, USD.
    pub cost_budget: f64,
}

/// The current metrics. Takes no actor, because monitoring reads metrics without signing in; they do not show what was
/// decided about any subject.
///
/// # Errors
/// The database failed.
pub async fn read(store: &Store) -> Result<WorkspaceMetrics> {
    let errors = error_metrics(store, WINDOW).await?;
    let mut db = store.pool().acquire().await?;
    let settings = settings::load(&mut *db).await?;
    let system = system::read(&mut db).await?;
    let gates = match bundle_row::canary(&mut db).await? {
        None => None,
        Some(canary) => {
            let stable = bundle_row::stable(&mut db).await?;
            let measured = measure_stage(&mut db, &canary, stable.as_ref(), &settings.gates).await?;
            Some(gates::evaluate_counts(&measured.counts, &settings.gates))
        }
    };
    let rollback_failures: i64 = sqlx::query_scalar(
        "select count(*) from policy_bundles b where b.active and exists (
             select from policy_lifecycle_audit a
             where a.event_type = 'rollback_withheld' and a.subject_type = 'bundle' and a.subject_id = b.id::text
                 and a.at >= b.stage_started_at and a.detail ->> 'why' = 'nothing can take over')",
    )
    .fetch_one(&mut *db)
    .await?;
    let cost_24h: f64 = sqlx::query_scalar(
        "select coalesce(sum(cost_sum), 0)::float8 from policy_decision_counts where at >= now() - interval '24 hours'",
    )
    .fetch_one(&mut *db)
    .await?;
    let (waiting, wait_seconds): (i64, f64) = sqlx::query_as(
        "select count(*), coalesce(extract(epoch from now() - min(requested_at)), 0)::float8
         from policy_approvals where status = 'pending' and expires_at > now()",
    )
    .fetch_one(&mut *db)
    .await?;
    Ok(WorkspaceMetrics {
        system,
        errors,
        gates,
        rollback_failures: rollback_failures.unsigned_abs(),
        cost_24h,
        approvals_waiting: waiting.unsigned_abs(),
        approval_wait_seconds: wait_seconds,
        cost_budget: settings.simulation.cost,
    })
}
