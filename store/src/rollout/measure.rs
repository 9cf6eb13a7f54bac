//! Measuring the canary and stable since the stage began.

use lifecycle::{
    authority::{Actor, Permission, authorize},
    bundle::State,
    metrics::{GateConfig, StageMetrics},
    problem::Problem,
    rollout::{
        CanaryStatus, GateReport, GivenMetrics, Stage, StageCounts,
        counts::{ArmCounts, Traffic},
        freeze::Operation,
        gates,
        given_metrics::faults_of_limits,
        promotion::{blocked_by, promotable_at, seconds_remaining},
    },
    signing::{self, KeyRing},
};
use policy::{Fault, Timestamp};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{freezes::frozen, records};
use crate::{
    Error, Result, Store,
    bundles::row::{self as bundle_row, Row},
    decisions::{Answers, Window, compared, stage_counts, subjects},
    settings,
};

/// How long the canary's last decisions are counted to say how much is asked now.
const RECENT: time::Duration = time::Duration::minutes(15);
/// The highest cost that intervals count with is this many times the largest budget of a rule.
const BOUND_OVER_BUDGET: f64 = 10.0;

/// The measurements of both arms since the stage began.
#[derive(Default)]
pub(crate) struct Measured {
    pub counts: StageCounts,
    began: bool,
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
    let measured = measure(&mut db, &bundle, stable.as_ref(), &config).await?;
    let as_of: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    let now = Timestamp::from(as_of);
    let report = gates::evaluate_counts(&measured.counts, &config);
    let state = bundle.state()?;
    let started = bundle.stage_started();
    let in_rollout = matches!(state, State::Shadow | State::Canary);
    let stage = Stage::from_percent(bundle.canary_pct).filter(|_| in_rollout);
    let mut blocked_by = match stage {
        Some(stage) => blocked_by(stage, None, started, now, &config, &report),
        None if state == State::Active => vec!["It serves all traffic already.".to_owned()],
        None => vec![format!("It is `{state}`, not in rollout.")],
    };
    let (frozen, freezes) = if in_rollout {
        frozen(&mut db, Operation::Promote, &bundle, stable.as_ref(), actor, now).await?
    } else {
        Default::default()
    };
    blocked_by.extend(frozen);
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
        metrics: measured.metrics(),
        gates: report,
        canary: measured.counts.canary.stats,
        stable: measured.counts.stable.unwrap_or_default().stats,
        diverging: measured.diverging,
        compared: measured.compared,
        freezes,
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
    if let Some(metrics) = given {
        return Ok(gates::evaluate(&metrics, &config));
    }
    let stable = bundle_row::stable(&mut db).await?;
    Ok(gates::evaluate_counts(&measure(&mut db, &bundle, stable.as_ref(), &config).await?.counts, &config))
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

impl Measured {
    /// The measurements; everything is unknown before a stage began.
    pub(crate) fn metrics(&self) -> StageMetrics {
        if self.began { self.counts.metrics() } else { StageMetrics::default() }
    }
}

/// Measures `bundle` against stable since its stage began.
pub(crate) async fn measure(
    db: &mut PgConnection,
    bundle: &Row,
    stable: Option<&Row>,
    config: &GateConfig,
) -> Result<Measured> {
    let Some(since) = bundle.stage_started_at else { return Ok(Measured::default()) };
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    let stable = stable.filter(|stable| stable.id != bundle.id);
    let recent_since = since.max(now - RECENT);
    let largest = largest_budget(bundle).max(stable.map_or(0.0, largest_budget));
    let cost_bound = config.cost_bound.or_else(|| (largest > 0.0).then_some(BOUND_OVER_BUDGET * largest));
    let window = Window { since, recent_since, cost_bound };
    let answers = if bundle.state()? == State::Shadow { Answers::Shadow } else { Answers::Served };
    let canary = stage_counts(db, bundle.id, answers, window).await?;
    let everybody = subjects(db, None, since).await?;
    let of_canary = match answers {
        Answers::Served => subjects(db, Some(bundle.id), since).await?,
        // A shadow answers whatever is asked.
        Answers::Shadow => everybody.clone(),
    };
    let mut other: Option<ArmCounts> = None;
    let mut baseline = Default::default();
    if let Some(stable) = stable {
        let counted = stage_counts(db, stable.id, Answers::Served, window).await?;
        baseline = counted.arm.costs;
        if baseline.count == 0 {
            let day = Window { since: since - time::Duration::hours(24), ..window };
            baseline = stage_counts(db, stable.id, Answers::Served, day).await?.arm.costs;
        }
        let subjects = Some(subjects(db, Some(stable.id), since).await?);
        other = Some(ArmCounts { subjects, ..counted.arm });
    }
    let (compared, diverging) = compared(db, bundle.id, since).await?;
    let traffic = Traffic {
        percent: bundle.canary_pct,
        subjects: everybody.distinct,
        seconds: (now - recent_since).whole_seconds().unsigned_abs(),
        decisions: canary.recent,
    };
    Ok(Measured {
        counts: StageCounts {
            canary: ArmCounts { subjects: Some(of_canary), ..canary.arm },
            stable: other,
            baseline,
            pairs: canary.pairs,
            traffic,
            cost_bound,
        },
        began: true,
        diverging,
        compared,
    })
}

/// The largest budget of a rule, USD; 0 where no rule has one.
fn largest_budget(bundle: &Row) -> f64 {
    let rules = bundle.content.0.get("rules").and_then(Value::as_array);
    let budgets = rules.into_iter().flatten().filter_map(|rule| rule.pointer("/budget/cost")?.as_f64());
    budgets.fold(0.0, f64::max)
}
