//! Automatic rollback: checks the canary, and rolls it back when its last minutes raise an alarm.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Role, Via, authorize},
    bundle::State,
    incident::{
        Severity,
        draft::{ACKNOWLEDGE_WITHIN, INVESTIGATE_WITHIN},
    },
    metrics::ArmStats,
    rollout::{
        Alarm, RollbackResponse, WatchConfig, WatchMode,
        watch::{self, LONG_WINDOW, WINDOW},
    },
};
use policy::Timestamp;
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::roll_back::{RollBack, roll_back_in, successor};
use crate::{
    Result, Store,
    bundles::row::{self as bundle_row, Row},
    decisions::counts,
    incidents, settings,
    work::Work,
};

/// The result of a check.
#[derive(Debug, Clone, PartialEq)]
pub enum Watched {
    /// There is no canary, or no alarm, or the alarm was recorded before.
    Quiet,
    /// There is an alarm, and it was only recorded.
    Withheld,
    /// The canary was rolled back.
    RolledBack(RollbackResponse),
}

/// A canary with its alarms.
struct Alarming {
    bundle: Row,
    config: WatchConfig,
    alarms: Vec<Alarm>,
    canary: ArmStats,
    baseline: ArmStats,
    at: Timestamp,
}

/// Checks the canary once. If several servers check it, only one acts.
///
/// # Errors
/// The database failed; nothing was done.
pub async fn watch(store: &Store) -> Result<Watched> {
    let mut db = store.pool().acquire().await?;
    let Some(first) = find_alarming(&mut db).await? else { return Ok(Watched::Quiet) };
    drop(db);
    let system = Actor::new("system", [Role::SafetyOwner].into(), Via::Job);
    let mut work = Work::begin_serving(store, authorize(&system, Permission::RollBack)?).await?;
    // While this waited for the lock, another server may have acted, or the canary may have recovered.
    let Some(found) = find_alarming(work.db()).await? else { return Ok(Watched::Quiet) };
    let nothing_follows = successor(work.db(), &found.bundle).await?.is_none();
    if nothing_follows || found.config.mode == WatchMode::Observe {
        if is_recorded(work.db(), &found.bundle).await? {
            return Ok(Watched::Quiet);
        }
        withhold(&mut work, &found, nothing_follows).await?;
        work.commit().await?;
        return Ok(Watched::Withheld);
    }
    let request = RollBack {
        reason: watch::reason(&found.alarms, &found.canary),
        rolled_back_by: None,
        create_incident: true,
        triggered_at: Some(first.at),
    };
    let done = roll_back_in(&store.keys(), &mut work, found.bundle.id, &request).await?;
    if let Some(incident) = &done.response.incident_id {
        incidents::add_timeline_entry(&mut work, incident, "What the last five minutes were.", found.detail()).await?;
    }
    work.commit().await?;
    Ok(Watched::RolledBack(done.response))
}

impl Alarming {
    fn detail(&self) -> serde_json::Value {
        json!({"alarms": self.alarms, "canary": self.canary, "baseline": self.baseline, "limits": self.config})
    }
}

/// The canary, if it raises an alarm.
async fn find_alarming(db: &mut PgConnection) -> Result<Option<Alarming>> {
    let Some(bundle) = bundle_row::canary(db).await? else { return Ok(None) };
    if bundle.state()? != State::Canary {
        return Ok(None);
    }
    let config = settings::load(&mut *db).await?.watch;
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    let canary = counts(db, bundle.id, now - WINDOW).await?;
    if canary.decisions < config.min_sample_size {
        return Ok(None);
    }
    let baseline = match bundle_row::stable(db).await? {
        None => ArmStats::default(),
        Some(stable) => {
            let recent = counts(db, stable.id, now - WINDOW).await?;
            if recent.decisions >= config.min_sample_size {
                recent
            } else {
                counts(db, stable.id, now - LONG_WINDOW).await?
            }
        }
    };
    let alarms = watch::alarms(&canary, &baseline, &config);
    let found = Alarming { bundle, config, alarms, canary, baseline, at: now.into() };
    Ok((!found.alarms.is_empty()).then_some(found))
}

/// Whether an alarm for this bundle was already recorded in this stage.
async fn is_recorded(db: &mut PgConnection, bundle: &Row) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "select exists (select from policy_lifecycle_audit
             where event_type = 'rollback_withheld' and subject_type = 'bundle' and subject_id = $1 and at >= $2)",
    )
    .bind(bundle.id.to_string())
    .bind(bundle.stage_started_at)
    .fetch_one(db)
    .await?)
}

/// Records that the canary was not rolled back; opens an incident if nothing can take over.
async fn withhold(work: &mut Work, found: &Alarming, nothing_follows: bool) -> Result<()> {
    let Alarming { bundle, alarms, canary, .. } = found;
    let version = &bundle.version;
    let reason = watch::reason(alarms, canary);
    let why = if nothing_follows { "nothing can take over" } else { "it is only observed" };
    let mut detail = found.detail();
    if let Some(detail) = detail.as_object_mut() {
        detail.insert("version".to_owned(), json!(version));
        detail.insert("why".to_owned(), json!(why));
    }
    let summary = format!("{version} was not rolled back, because {why}. {reason}");
    work.note(EventType::RollbackWithheld, "bundle", bundle.id, summary, detail);
    if nothing_follows {
        let opening = incidents::Opening {
            title: format!("Automatic rollback of v{version} failed"),
            severity: Severity::Critical,
            source: "policy.rollback".to_owned(),
            agent: None,
            bundle: Some((bundle.id, version.clone())),
            description: format!(
                "No earlier version can take over from {version}. To stop it, an administrator can disable evaluation.\n{reason}"
            ),
            ack_due_at: work.now.plus(ACKNOWLEDGE_WITHIN),
            investigate_due_at: work.now.plus(INVESTIGATE_WITHIN),
        };
        let id = incidents::insert(work, &opening).await?;
        incidents::note_opened(work, &id, &opening);
        incidents::add_timeline_entry(work, &id, "What the last five minutes were.", found.detail()).await?;
    }
    Ok(())
}
