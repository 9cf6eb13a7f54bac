//! Measuring the canary and stable since the stage began.

use lifecycle::{
    authority::{Actor, Permission, authorize},
    bundle::State,
    metrics::{ArmStats, GateConfig, StageMetrics},
    problem::Problem,
    rollout::{
        CanaryStatus, GateReport, GivenMetrics, Stage, gates,
        given_metrics::faults_of_limits,
        promotion::{blocked_by, promotable_at, seconds_remaining},
    },
    signing::{self, KeyRing},
};
use policy::{Fault, Timestamp};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::records;
use crate::{
    Error, Result, Store,
    bundles::row::{self as bundle_row, Row},
    decisions::{counts, rate, shadow_counts},
    settings,
};

/// The measurements of both arms since the stage began.
pub(crate) struct Measured {
    pub metrics: StageMetrics,
    pub canary: ArmStats,
    pub stable: ArmStats,
    pub diverging: u64,
    pub compared: u64,
}

/// How a bundle in rollout is doing. For other bundles the counts are zero and nothing can be promoted.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such bundle.
pub async fn canary_status(store: &Store, actor: &Actor, id: i64) -> Result<CanaryStatus> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    let bundle = bundle_row::by_id(&mut db, id).await?;
    let stable = bundle_row::stable(&mut db).await?;
    let config = settings::load(&mut *db).await?.gates;
    let measured = measure(&mut db, &bundle, stable.as_ref()).await?;
    let as_of: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    let now = Timestamp::from(as_of);
    let report = gates::evaluate(&measured.metrics, &config);
    let state = bundle.state()?;
    let started = bundle.stage_started();
    let in_rollout = matches!(state, State::Shadow | State::Canary);
    let stage = Stage::from_percent(bundle.canary_pct).filter(|_| in_rollout);
    let mut blocked_by = match stage {
        Some(stage) => blocked_by(stage, None, started, now, &config, &report),
        None if state == State::Active => vec!["It serves all traffic already.".to_owned()],
        None => vec![format!("It is `{state}`, not in rollout.")],
    };
    if in_rollout {
        blocked_by.extend(unverified_apply(&mut db, &store.keys(), &bundle).await?);
    }
    let waiting = started.filter(|_| in_rollout && state != State::Shadow);
    Ok(CanaryStatus {
        id: bundle.id,
        version: bundle.version,
        state,
        canary_pct: bundle.canary_pct,
        stage_started_at: started,
        promotable_at: waiting.map(|started| promotable_at(started, &config)),
        seconds_remaining: waiting.map_or(0, |started| seconds_remaining(started, now, &config)),
        next_pct: stage.and_then(Stage::next).map(Stage::percent),
        can_promote: blocked_by.is_empty(),
        blocked_by,
        metrics: measured.metrics,
        gates: report,
        canary: measured.canary,
        stable: measured.stable,
        diverging: measured.diverging,
        compared: measured.compared,
        as_of: now,
    })
}

/// Why the record of the bundle's last apply cannot be relied on, which a promotion does.
async fn unverified_apply(db: &mut PgConnection, keys: &KeyRing, bundle: &Row) -> Result<Option<String>> {
    let last = records::applies(db, Some(bundle.id), 1).await?.into_iter().next();
    Ok(last.and_then(|last| signing::verify(keys, &last).err()).map(|refusal| {
        let what = format!("The record of the last apply of {}", bundle.version);
        format!("{}.", Problem::from(Error::not_verified(&what, &refusal)).detail)
    }))
}

/// Evaluates the gates on the given metrics or the measured ones, with the given thresholds or those of the settings.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such bundle.
pub async fn check_gates(
    store: &Store,
    actor: &Actor,
    id: i64,
    metrics: Option<GivenMetrics>,
    config: Option<GateConfig>,
) -> Result<GateReport> {
    authorize(actor, Permission::Read)?;
    let given = checked(metrics.as_ref(), config.as_ref())?;
    let mut db = store.pool().acquire().await?;
    let bundle = bundle_row::by_id(&mut db, id).await?;
    let config = match config {
        Some(config) => config,
        None => settings::load(&mut *db).await?.gates,
    };
    let metrics = match given {
        Some(metrics) => metrics,
        None => {
            let stable = bundle_row::stable(&mut db).await?;
            measure(&mut db, &bundle, stable.as_ref()).await?.metrics
        }
    };
    Ok(gates::evaluate(&metrics, &config))
}

/// The metrics and limits of a request, if they are in their ranges. The pointers start at the request.
fn checked(metrics: Option<&GivenMetrics>, config: Option<&GateConfig>) -> Result<Option<StageMetrics>> {
    let below = |name: &'static str| move |fault: Fault| Fault::new(format!("/{name}{}", fault.pointer), fault.detail);
    let limits = config.map(faults_of_limits).unwrap_or_default();
    let mut faults: Vec<Fault> = limits.into_iter().map(below("gate_config")).collect();
    let metrics = match metrics.map(GivenMetrics::check).transpose() {
        Ok(metrics) => metrics,
        Err(wrong) => {
            faults.splice(0..0, wrong.into_iter().map(below("metrics")));
            None
        }
    };
    if faults.is_empty() { Ok(metrics) } else { Err(Problem::invalid_fields(faults).into()) }
}

/// Measures `bundle` against stable since its stage began. Everything is unknown before that.
pub(crate) async fn measure(db: &mut PgConnection, bundle: &Row, stable: Option<&Row>) -> Result<Measured> {
    let nothing = Measured {
        metrics: StageMetrics::default(),
        canary: ArmStats::default(),
        stable: ArmStats::default(),
        diverging: 0,
        compared: 0,
    };
    let Some(since) = bundle.stage_started_at else { return Ok(nothing) };
    let shadow = bundle.state()? == State::Shadow;
    let canary = if shadow { shadow_counts(db, bundle.id, since).await? } else { counts(db, bundle.id, since).await? };
    let stable = stable.filter(|stable| stable.id != bundle.id);
    let other = match stable {
        Some(stable) => Some(counts(db, stable.id, since).await?),
        None => None,
    };
    let baseline = match (stable, &other) {
        // The first bundle has no stable bundle to be compared with.
        (None, _) => canary.avg_cost,
        (Some(_), Some(other)) if other.decisions > 0 => other.avg_cost,
        (Some(stable), _) => counts(db, stable.id, since - time::Duration::hours(24)).await?.avg_cost,
    };
    let (compared, diverging): (i64, i64) = sqlx::query_as(
        "select count(*), count(*) filter (where effect <> other_effect) from policy_decisions
         where decided_at >= $2 and other_bundle_id is not null and (bundle_id = $1 or other_bundle_id = $1)",
    )
    .bind(bundle.id)
    .bind(since)
    .fetch_one(&mut *db)
    .await?;
    let sample = canary.decisions;
    let known = |count: u64| (sample > 0).then(|| rate(count, sample));
    Ok(Measured {
        metrics: StageMetrics {
            sample_size: Some(sample),
            error_rate: known(canary.errors),
            deny_rate: known(canary.deny),
            avg_cost: canary.avg_cost,
            baseline_avg_cost: baseline,
        },
        canary,
        stable: other.unwrap_or_default(),
        diverging: diverging.unsigned_abs(),
        compared: compared.unsigned_abs(),
    })
}
