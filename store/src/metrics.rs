//! What a monitoring system wants to know of the whole workspace.

use lifecycle::{
    metrics::ErrorMetrics,
    rollout::{GateReport, gates},
    system::System,
};

use crate::{
    Result, Store, bundles::row as bundle_row, decisions::error_metrics, rollout::measure_stage, settings, system,
};

/// The window of [`Figures::errors`].
const WINDOW: &str = "5m";

/// The workspace in figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// What is live.
    pub system: System,
    /// Errors of the last five minutes.
    pub errors: ErrorMetrics,
    /// What the gates say about the canary; none without one.
    pub gates: Option<GateReport>,
    /// Bundles in service that should have been rolled back by themselves and were not, because nothing can take over.
    pub rollback_failures: u64,
    /// What the decisions of the last 24 hours cost, as reported or else as budgeted, USD.
    pub cost_24h: f64,
    /// What they may cost, USD.
    pub cost_budget: f64,
}

/// The figures now. It asks for no actor, because monitoring may read them without one; nothing in them says what was
/// decided about whom.
///
/// # Errors
/// The database failed.
pub async fn figures(store: &Store) -> Result<Figures> {
    let errors = error_metrics(store, WINDOW).await?;
    let mut db = store.pool().acquire().await?;
    let settings = settings::load(&mut *db).await?;
    let system = system::read(&mut db).await?;
    let gates = match bundle_row::canary(&mut db).await? {
        None => None,
        Some(canary) => {
            let stable = bundle_row::stable(&mut db).await?;
            let measured = measure_stage(&mut db, &canary, stable.as_ref()).await?;
            Some(gates::evaluate(&measured.metrics, &settings.gates))
        }
    };
    let failures: i64 = sqlx::query_scalar(
        "select count(*) from policy_bundles b where b.active and exists (
             select from policy_lifecycle_audit a
             where a.event_type = 'rollback_withheld' and a.subject_type = 'bundle' and a.subject_id = b.id::text
                 and a.at >= b.stage_started_at and a.detail ->> 'why' = 'nothing can take over')",
    )
    .fetch_one(&mut *db)
    .await?;
    let cost_24h: f64 = sqlx::query_scalar(
        "select coalesce(sum(coalesce(o.cost, d.cost, 0)), 0)
         from policy_decisions d left join policy_decision_outcomes o using (decision_id)
         where d.decided_at >= now() - interval '24 hours'",
    )
    .fetch_one(&mut *db)
    .await?;
    Ok(Figures {
        system,
        errors,
        gates,
        rollback_failures: failures.unsigned_abs(),
        cost_24h,
        cost_budget: settings.simulation.cost,
    })
}
