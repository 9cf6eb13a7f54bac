//! The metrics that triggered a pause, as they are now.

use lifecycle::{
    metrics::RecentDecisions,
    system::{Pause, TriggerReading, trigger::known},
};

use sqlx::PgConnection;

use crate::{Result, settings};

/// Readings of those of the pause's triggers that can be measured here.
pub(super) async fn read(db: &mut PgConnection, pause: &Pause) -> Result<Vec<TriggerReading>> {
    let named = known(&pause.trigger_metrics);
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let gates = settings::load(&mut *db).await?.gates;
    let recent = recent(db).await?;
    let mut readings = Vec::new();
    for metric in named {
        readings.push(match metric.alert_column() {
            Some(column) => TriggerReading::of_alert(metric, alert(db, column).await?),
            None => TriggerReading::of_decisions(metric, &recent, &gates),
        });
    }
    Ok(readings)
}

#[derive(sqlx::FromRow)]
struct Counts {
    decisions: i64,
    errors: i64,
    denied: i64,
    no_match: i64,
    avg_cost: Option<f64>,
    baseline_avg_cost: Option<f64>,
}

/// The last five minutes, and the cost of the day before them. Answers given while evaluation
/// was off say nothing about any policy and are left out.
async fn recent(db: &mut PgConnection) -> Result<RecentDecisions> {
    let counts: Counts = sqlx::query_as(
        "select coalesce(sum(decisions) filter (where fresh), 0)::int8 as decisions,
             coalesce(sum(decisions) filter (where fresh and (status = 'error' or outcome = 'error')), 0)::int8 as errors,
             coalesce(sum(decisions) filter (where fresh and effect = 'deny'), 0)::int8 as denied,
             coalesce(sum(decisions) filter (where fresh and status = 'no_match'), 0)::int8 as no_match,
             case when sum(decisions) filter (where fresh) > 0
                 then (sum(cost_sum) filter (where fresh) / sum(decisions) filter (where fresh))::float8 end as avg_cost,
             case when sum(decisions) filter (where not fresh) > 0
                 then (sum(cost_sum) filter (where not fresh) / sum(decisions) filter (where not fresh))::float8
                 end as baseline_avg_cost
         from (select *, at >= now() - interval '5 minutes' as fresh from policy_decision_counts
               where at >= now() - interval '24 hours' and mode <> 'bypass') recent",
    )
    .fetch_one(db)
    .await?;
    Ok(RecentDecisions {
        decisions: counts.decisions.unsigned_abs(),
        errors: counts.errors.unsigned_abs(),
        denied: counts.denied.unsigned_abs(),
        no_match: counts.no_match.unsigned_abs(),
        avg_cost: counts.avg_cost,
        baseline_avg_cost: counts.baseline_avg_cost,
    })
}

/// Whether an alert of the KPI summary is on; `column` is one of [`TriggerMetric::alert_column`].
async fn alert(db: &mut PgConnection, column: &str) -> Result<Option<bool>> {
    let on: Option<Option<i32>> =
        sqlx::query_scalar("select (to_jsonb(summary) ->> $1)::int from clo_kpi_summary_v1 summary")
            .bind(column)
            .fetch_optional(db)
            .await?;
    Ok(on.flatten().map(|on| on != 0))
}
