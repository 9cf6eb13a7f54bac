//! Automatic rollback: looks at the canary, and takes its traffic away when the last minutes demand it.

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

use super::{
    measure,
    roll_back::{RollBack, roll_back_in, successor},
};
use crate::{
    Result, Store,
    bundles::row::{self as bundle_row, Row},
    incidents, settings,
    work::Work,
};

/// What came of a look.
#[derive(Debug, Clone, PartialEq)]
pub enum Watched {
    /// There is no canary, or nothing is wrong with it, or it was dealt with before.
    Quiet,
    /// Something is wrong, and it was written down.
    Withheld,
    /// The canary's traffic was taken away.
    RolledBack(RollbackResponse),
}

/// A canary with what is wrong with it.
struct Found {
    bundle: Row,
    config: WatchConfig,
    alarms: Vec<Alarm>,
    canary: ArmStats,
    baseline: ArmStats,
    at: Timestamp,
}

/// Looks at the canary once. Of several servers that do, one acts.
///
/// # Errors
/// The database failed; then nothing was done.
pub async fn watch(store: &Store) -> Result<Watched> {
    let mut db = store.pool().acquire().await?;
    let Some(first) = look(&mut db).await? else { return Ok(Watched::Quiet) };
    drop(db);
    let system = Actor { name: "system".to_owned(), roles: [Role::SafetyOwner].into(), via: Via::Worker };
    let mut work = Work::begin_serving(store, authorize(&system, Permission::RollBack)?).await?;
    // Somebody may have been faster, or it may have recovered while this waited.
    let Some(found) = look(work.db()).await? else { return Ok(Watched::Quiet) };
    let nothing_follows = successor(work.db(), &found.bundle).await?.is_none();
    if nothing_follows || found.config.mode == WatchMode::Observe {
        if is_noted(work.db(), &found.bundle).await? {
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
    let done = roll_back_in(store.keys(), &mut work, found.bundle.id, &request).await?;
    if let Some(incident) = &done.response.incident_id {
        incidents::line(&mut work, incident, "What the last five minutes were.", found.detail()).await?;
    }
    work.commit().await?;
    Ok(Watched::RolledBack(done.response))
}

impl Found {
    fn detail(&self) -> serde_json::Value {
        json!({"alarms": self.alarms, "canary": self.canary, "baseline": self.baseline, "limits": self.config})
    }
}

/// The canary, when something is wrong with it.
async fn look(db: &mut PgConnection) -> Result<Option<Found>> {
    let Some(bundle) = bundle_row::canary(db).await? else { return Ok(None) };
    if bundle.state()? != State::Canary {
        return Ok(None);
    }
    let config = settings::load(&mut *db).await?.watch;
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    let canary = measure::counts(db, bundle.id, now - WINDOW).await?.stats();
    if canary.decisions < config.min_sample_size {
        return Ok(None);
    }
    let baseline = match bundle_row::stable(db).await? {
        None => ArmStats::default(),
        Some(stable) => {
            let beside = measure::counts(db, stable.id, now - WINDOW).await?.stats();
            if beside.decisions >= config.min_sample_size {
                beside
            } else {
                measure::counts(db, stable.id, now - LONG_WINDOW).await?.stats()
            }
        }
    };
    let alarms = watch::alarms(&canary, &baseline, &config);
    let found = Found { bundle, config, alarms, canary, baseline, at: now.into() };
    Ok((!found.alarms.is_empty()).then_some(found))
}

/// Whether something was written down about this bundle in this stage.
async fn is_noted(db: &mut PgConnection, bundle: &Row) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "select exists (select from policy_lifecycle_audit
             where event_type = 'rollback_withheld' and subject_type = 'bundle' and subject_id = $1 and at >= $2)",
    )
    .bind(bundle.id.to_string())
    .bind(bundle.stage_started_at)
    .fetch_one(db)
    .await?)
}

/// Writes down what would have happened; where nothing can take over, somebody has to come.
async fn withhold(work: &mut Work, found: &Found, nothing_follows: bool) -> Result<()> {
    let Found { bundle, alarms, canary, .. } = found;
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
        incidents::line(work, &id, "What the last five minutes were.", found.detail()).await?;
    }
    Ok(())
}
