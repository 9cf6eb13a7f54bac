//! The metrics that triggered a pause, as they are now.

use lifecycle::{
    metrics::RecentDecisions,
    system::{Pause, TriggerReading, trigger::known},
};

use crate::{Result, settings, work::Work};

/// Readings of those of the pause's triggers that can be measured here.
pub(super) async fn read(work: &mut Work, pause: &Pause) -> Result<Vec<TriggerReading>> {
    let named = known(&pause.trigger_metrics);
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let gates = settings::load(work.db()).await?.gates;
    let recent = recent(work).await?;
    let mut readings = Vec::new();
    for metric in named {
        readings.push(match metric.alert_column() {
            Some(column) => TriggerReading::of_alert(metric, alert(work, column).await?),
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
async fn recent(work: &mut Work) -> Result<RecentDecisions> {
    let counts: Counts = sqlx::query_as(
        "select count(*) filter (where fresh) as decisions,
             count(*) filter (where fresh and (d.status = 'error' or o.status = 'error')) as errors,
             count(*) filter (where fresh and d.effect = 'deny') as denied,
             count(*) filter (where fresh and d.status = 'no_match') as no_match,
             avg(coalesce(o.cost, d.cost, 0)) filter (where fresh) as avg_cost,
             avg(coalesce(o.cost, d.cost, 0)) filter (where not fresh) as baseline_avg_cost
         from (select *, decided_at >= now() - interval '5 minutes' as fresh from policy_decisions
               where decided_at >= now() - interval '24 hours' and mode <> 'bypass') d
         left join policy_decision_outcomes o using (decision_id)",
    )
    .fetch_one(work.db())
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
async fn alert(work: &mut Work, column: &str) -> Result<Option<bool>> {
    let on: Option<Option<i32>> =
        sqlx::query_scalar("select (to_jsonb(summary) ->> $1)::int from clo_kpi_summary_v1 summary")
            .bind(column)
            .fetch_optional(work.db())
            .await?;
    Ok(on.flatten().map(|on| on != 0))
}
