//! Automatic rollback: checks the canary and a fresh bundle at 100 %, and rolls back the one whose last minutes raise an
//! alarm that is its own doing.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Role, Via, authorize},
    bundle::State,
    incident::{
        Severity,
        draft::{ACKNOWLEDGE_WITHIN, INVESTIGATE_WITHIN},
    },
    rollout::{
        Alarm, RollbackResponse, WatchConfig, WatchMode,
        watch::{self, Judgement, LONG_WINDOW, WINDOW, WatchWindow, blame::Offending},
    },
    settings::Settings,
};
use policy::Timestamp;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::roll_back::{RollBack, roll_back_in, successor};
use crate::{
    Result, Store,
    bundles::{
        is_fresh,
        row::{self as bundle_row, Row},
    },
    decisions::{Answers, Window, offending, recent_subjects, stage_counts},
    incidents, settings,
    work::Work,
};

/// Why an alarm was only recorded.
const NOTHING_FOLLOWS: &str = "nothing can take over";
const ONLY_OBSERVED: &str = "it is only observed";
const AS_BAD: &str = "the version that would take over answers as badly";

/// The result of a check.
#[derive(Debug, Clone, PartialEq)]
pub enum Watched {
    /// Nothing is watched, or there is no alarm, or the alarm was recorded before.
    Quiet,
    /// There is an alarm, and it was only recorded.
    Withheld,
    /// There is an alarm, and it is not the bundle's doing: this incident says so.
    AsBad(String),
    /// The bundle was rolled back.
    RolledBack(RollbackResponse),
}

/// A bundle with its alarms.
struct Alarming {
    bundle: Row,
    config: WatchConfig,
    alarms: Vec<Alarm>,
    /// Whether the version that would take over answers the same requests as badly.
    as_bad: bool,
    window: WatchWindow,
    /// The decisions behind the first alarm.
    offending: Offending,
    /// When the first of them was made.
    began: Timestamp,
}

/// Checks everything that is watched, once. If several servers check, only one acts.
///
/// # Errors
/// The database failed; nothing was done.
pub async fn watch(store: &Store) -> Result<Watched> {
    let mut db = store.pool().acquire().await?;
    let Some(found) = find_alarming(&mut db).await? else { return Ok(Watched::Quiet) };
    drop(db);
    let system = Actor::new("system", [Role::SafetyOwner].into(), Via::Job);
    let mut work = Work::begin_serving(store, authorize(&system, Permission::RollBack)?).await?;
    // While this waited for the lock, another server may have acted, or somebody may have changed the limits. Nothing is
    // measured again: emergency commands wait for the lock, and the next look is seconds away.
    if !is_as_measured(work.db(), &found).await? {
        return Ok(Watched::Quiet);
    }
    let nothing_follows = successor(work.db(), &found.bundle).await?.is_none();
    let why = match found.config.mode {
        _ if found.as_bad => Some(AS_BAD),
        _ if nothing_follows => Some(NOTHING_FOLLOWS),
        WatchMode::Observe => Some(ONLY_OBSERVED),
        WatchMode::RollBack => None,
    };
    if let Some(why) = why {
        if is_recorded(work.db(), &found.bundle, why).await? {
            return Ok(Watched::Quiet);
        }
        let incident = withhold(&mut work, &found, why).await?;
        work.commit().await?;
        return Ok(match incident {
            Some(incident) if found.as_bad => Watched::AsBad(incident),
            _ => Watched::Withheld,
        });
    }
    let request = RollBack {
        reason: watch::reason(&found.alarms, &found.window.canary),
        rolled_back_by: None,
        create_incident: true,
        triggered_at: Some(found.began),
    };
    let done = roll_back_in(&store.keys(), &mut work, found.bundle.id, &request).await?;
    if let Some(incident) = &done.response.incident_id {
        incidents::add_timeline_entry(&mut work, incident, "What the last five minutes were.", found.detail()).await?;
    }
    work.commit().await?;
    Ok(Watched::RolledBack(done.response))
}

impl Alarming {
    fn detail(&self) -> Value {
        let WatchWindow { canary, baseline, pairs, subjects, .. } = &self.window;
        json!({
            "alarms": self.alarms, "canary": canary, "baseline": baseline, "pairs": pairs, "subjects": subjects,
            "behind": self.offending, "limits": self.config,
        })
    }
}

/// Whether the bundle is still in the stage in which it was measured, and judged by the same limits.
async fn is_as_measured(db: &mut PgConnection, found: &Alarming) -> Result<bool> {
    let Alarming { bundle: measured, config, .. } = found;
    let now = bundle_row::by_id(db, measured.id).await?;
    Ok((&now.state, now.stage_started_at) == (&measured.state, measured.stage_started_at)
        && settings::load(db).await?.watch == *config)
}

/// The first of the watched bundles that raises an alarm: the canary, then the bundle that reached 100 % less than a day ago.
async fn find_alarming(db: &mut PgConnection) -> Result<Option<Alarming>> {
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    let settings = settings::load(&mut *db).await?;
    let stable = bundle_row::stable(db).await?;
    let canary = bundle_row::canary(db).await?;
    if let Some(canary) = canary
        && canary.state()? == State::Canary
        && let Some(found) = judge(db, canary, stable.as_ref(), now, &settings).await?
    {
        return Ok(Some(found));
    }
    let Some(stable) = stable else { return Ok(None) };
    if !is_fresh(db, &stable).await? {
        return Ok(None);
    }
    let before = successor(db, &stable).await?;
    judge(db, stable, before.as_ref(), now, &settings).await
}

/// Judges the last minutes of a bundle beside the one that would take over.
async fn judge(
    db: &mut PgConnection,
    bundle: Row,
    takes_over: Option<&Row>,
    now: OffsetDateTime,
    settings: &Settings,
) -> Result<Option<Alarming>> {
    let config = settings.watch;
    let within = |since| Window { since, recent_since: since, cost_bound: None };
    let counted = stage_counts(db, bundle.id, Answers::Served, within(now - WINDOW)).await?;
    let canary = counted.arm.stats;
    if canary.decisions < config.min_sample_size {
        return Ok(None);
    }
    let subjects = recent_subjects(db, Some(bundle.id), now - WINDOW).await?;
    let few = subjects < config.min_subjects;
    let subjects_of_day = if few { recent_subjects(db, None, now - LONG_WINDOW).await? } else { 0 };
    let mut baseline = Default::default();
    if let Some(other) = takes_over {
        let recent = stage_counts(db, other.id, Answers::Served, within(now - WINDOW)).await?.arm.stats;
        let enough = recent.decisions >= config.min_sample_size;
        // The last day of a bundle that serves nothing any more ended when the other one took over.
        let ended = bundle.stage_started_at.filter(|_| bundle.canary_pct == 100).unwrap_or(now);
        let day = within(ended - LONG_WINDOW);
        baseline = if enough { recent } else { stage_counts(db, other.id, Answers::Served, day).await?.arm.stats };
    }
    let window = WatchWindow {
        canary,
        pairs: counted.pairs,
        baseline,
        subjects: Some(subjects),
        subjects_of_day,
        percent: bundle.canary_pct,
        cost_allowance: settings.gates.cost_allowance,
    };
    let (alarms, as_bad) = match window.judge(&config) {
        Judgement::RollBack(alarms) => (alarms, false),
        Judgement::AsBad(alarms) => (alarms, true),
        Judgement::TooFew | Judgement::Quiet => return Ok(None),
    };
    let Some(first) = alarms.first() else { return Ok(None) };
    let cost_limit = baseline.avg_cost.unwrap_or_default() * (1.0 + config.max_cost_increase) + window.cost_allowance;
    let (offending, began) = offending(db, bundle.id, now - WINDOW, first.cause, cost_limit).await?;
    let began = began.unwrap_or_else(|| now.into());
    Ok(Some(Alarming { bundle, config, alarms, as_bad, window, offending, began }))
}

/// Whether such an alarm for this bundle was already recorded in this stage and within the last day.
async fn is_recorded(db: &mut PgConnection, bundle: &Row, why: &str) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "select exists (select from policy_lifecycle_audit
             where event_type = 'rollback_withheld' and subject_type = 'bundle' and subject_id = $1
                 and at >= greatest($2, now() - interval '24 hours') and detail ->> 'why' = $3)",
    )
    .bind(bundle.id.to_string())
    .bind(bundle.stage_started_at)
    .bind(why)
    .fetch_one(db)
    .await?)
}

/// Records that the bundle was not rolled back. Opens an incident, and returns its id, if nothing can take over, or if
/// rolling back would not help.
async fn withhold(work: &mut Work, found: &Alarming, why: &str) -> Result<Option<String>> {
    let Alarming { bundle, alarms, window, config, offending, .. } = found;
    let version = &bundle.version;
    let reason = watch::reason(alarms, &window.canary);
    let mut detail = found.detail();
    if let Some(detail) = detail.as_object_mut() {
        detail.insert("version".to_owned(), json!(version));
        detail.insert("why".to_owned(), json!(why));
    }
    let summary = format!("{version} was not rolled back, because {why}. {reason}");
    work.note(EventType::RollbackWithheld, "bundle", bundle.id, summary, detail);
    let (title, severity, description) = match why {
        NOTHING_FOLLOWS => (
            format!("Automatic rollback of v{version} failed"),
            Severity::Critical,
            format!(
                "No earlier version can take over from {version}. To stop it, an administrator can disable evaluation.\n{reason}"
            ),
        ),
        AS_BAD if config.mode == WatchMode::RollBack => (
            format!("v{version} is past a limit, and rolling back would not help"),
            Severity::High,
            watch::not_its_doing(version, alarms, window, config, &offending.sentence()),
        ),
        _ => return Ok(None),
    };
    let agent = offending.behind_most().filter(|(what, _)| *what == "agent").map(|(_, agent)| agent.name.clone());
    let opening = incidents::Opening {
        title,
        severity,
        source: "policy.rollback".to_owned(),
        agent,
        bundle: Some((bundle.id, version.clone())),
        description,
        ack_due_at: work.now.plus(ACKNOWLEDGE_WITHIN),
        investigate_due_at: work.now.plus(INVESTIGATE_WITHIN),
    };
    let id = incidents::insert(work, &opening).await?;
    incidents::note_opened(work, &id, &opening);
    incidents::add_timeline_entry(work, &id, "What the last five minutes were.", found.detail()).await?;
    Ok(Some(id))
}
