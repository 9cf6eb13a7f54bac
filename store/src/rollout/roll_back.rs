//! Taking a bundle out of service.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    bundle::{State, state::Command},
    incident::{IncidentDraft, RolledBack},
    problem::{Code, Problem},
    rollout::{RollbackRecord, RollbackResponse, check_reason, rollback::trouble_began},
    signing::KeyRing,
};
use policy::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

use super::records;
use crate::{
    Result, Store,
    bundles::{
        last_known_good,
        row::{self as bundle_row, Row},
    },
    incidents, system, urgent,
    work::Work,
};

/// Maximum characters of a reason and of a name.
const MAX_REASON_CHARS: usize = 2000;
const MAX_NAME_CHARS: usize = 200;

/// The body of `POST …/rollback`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RollBack {
    /// The reason for the rollback.
    pub reason: String,
    /// The person on whose behalf the bundle is rolled back.
    #[serde(default)]
    pub rolled_back_by: Option<String>,
    /// Whether to open an incident.
    #[serde(default = "yes")]
    pub create_incident: bool,
    /// When the trouble was noticed; if absent, now.
    #[serde(default)]
    pub triggered_at: Option<Timestamp>,
}

const fn yes() -> bool {
    true
}

/// Takes a bundle out of service. From a canary or shadow all traffic returns to stable; from stable it returns to the
/// last known good version, and a canary is rolled back too, because it was built on the bundle that leaves. Works
/// during a pause. If two people roll back at once, the second gets the result of the first.
///
/// # Errors
/// Denied without [`Permission::RollBack`]; no such bundle; a reason that is too short; `invalid_transition` when it is
/// not in service; `no_previous_version` when nothing can take over. Whatever else is odd stands in the answer's
/// warnings.
pub async fn roll_back(store: &Store, actor: &Actor, id: i64, request: RollBack) -> Result<RollbackResponse> {
    let permit = authorize(actor, Permission::RollBack)?;
    let mut work = Work::begin_serving(&store.urgent(), permit).await?;
    let done = roll_back_in(&store.keys(), &mut work, id, &request).await?;
    work.commit().await?;
    Ok(done.response)
}

/// The result of a rollback.
pub(crate) struct Done {
    pub response: RollbackResponse,
    pub record: RollbackRecord,
    /// Whether the bundle was rolled back now; false if an earlier rollback is reported.
    pub fresh: bool,
}

/// Takes a bundle out of service inside a transaction that holds the serving lock.
pub(crate) async fn roll_back_in(keys: &KeyRing, work: &mut Work, id: i64, request: &RollBack) -> Result<Done> {
    let mut warnings = Vec::new();
    let reason = &usable_reason(&request.reason, &mut warnings)?;
    let on_behalf_of = request.rolled_back_by.as_deref();
    let on_behalf_of =
        on_behalf_of.map(|name| urgent::storable("/rolled_back_by", name, MAX_NAME_CHARS, &mut warnings));
    let on_behalf_of = on_behalf_of.as_deref().filter(|name| !name.is_empty());
    let bundle = bundle_row::by_id_locked(work.db(), id).await?;
    let from = bundle.state()?;
    if from == State::RolledBack
        && let Some(record) = latest(work.db(), id).await?
    {
        records::check(keys, &record, || format!("the record of the rollback of {}", record.version))?;
        let response = RollbackResponse { warnings, ..respond(work.db(), record.clone(), true).await? };
        return Ok(Done { response, record, fresh: false });
    }
    from.apply(Command::RollBack).map_err(Problem::from)?;
    let live_since = bundle.activated_at.map(Timestamp::from);
    let (triggered_at, moved) = trouble_began(request.triggered_at, live_since, work.now);
    warnings.extend(moved);
    let restored = successor(work.db(), &bundle).await?.ok_or_else(|| nothing_can_take_over(&bundle))?;

    // Bundles leave before one comes back: the database allows only one stable bundle.
    let canary = if from == State::Active { bundle_row::canary(work.db()).await? } else { None };
    for leaving in [Some(&bundle), canary.as_ref()].into_iter().flatten() {
        take_out(work, leaving).await?;
    }
    let returns = restored.state()? == State::Superseded;
    if returns {
        bring_back(work, &restored).await?;
    }

    let actor = work.actor().name.clone();
    let opening = request.create_incident.then(|| {
        let draft = IncidentDraft::of_rollback(&RolledBack {
            from_version: &bundle.version,
            from_pct: bundle.canary_pct,
            restored_version: &restored.version,
            reason,
            actor: &actor,
            on_behalf_of,
            triggered_at,
            at: work.now,
        });
        incidents::Opening {
            title: draft.title,
            severity: draft.severity,
            source: draft.source.to_owned(),
            agent: None,
            bundle: Some((bundle.id, bundle.version.clone())),
            description: draft.description,
            ack_due_at: draft.ack_due_at,
            investigate_due_at: draft.investigate_due_at,
        }
    });
    // The record names the incident, so the incident comes first; in the audit it follows from the rollback.
    let incident_id = match &opening {
        Some(opening) => Some(incidents::insert(work, opening).await?),
        None => None,
    };

    let shared =
        Shared { restored: &restored, reason, on_behalf_of, triggered_at, incident_id: incident_id.as_deref() };
    let record = write(keys, work, &bundle, &shared).await?;
    if let Some(canary) = &canary {
        write(keys, work, canary, &shared).await?;
    }
    if let Some((incident_id, opening)) = incident_id.as_ref().zip(opening.as_ref()) {
        incidents::note_opened(work, incident_id, opening);
        sqlx::query("update incidents set rollback_id = $2 where id = $1")
            .bind(incident_id)
            .bind(record.id)
            .execute(work.db())
            .await?;
        let text = format!("Rolled back {} to {}.", bundle.version, restored.version);
        incidents::add_timeline_entry(work, incident_id, &text, json!({"rollback_id": record.id})).await?;
    }
    let done = format!(
        "Rolled back {} (bundle {}) to {} during the pause: rollback {}.",
        bundle.version, bundle.id, restored.version, record.id
    );
    system::add_to_ticket_in_force(work, &done, json!({"rollback_id": record.id, "candidate_id": bundle.id})).await?;
    if returns {
        let detail = json!({
            "version": restored.version, "from_state": State::Superseded.name(), "to_state": State::Active.name(),
            "to_pct": 100, "after": bundle.version, "digest": restored.digest,
        });
        let summary = format!("{} serves all traffic again", restored.version);
        work.note(EventType::Restored, "bundle", restored.id, summary, detail);
    }
    let response = RollbackResponse { warnings, ..respond(work.db(), record.clone(), false).await? };
    Ok(Done { response, record, fresh: true })
}

fn usable_reason(reason: &str, warnings: &mut Vec<String>) -> Result<String> {
    let reason = check_reason(reason).map_err(|short| Problem::invalid_field("/reason", short.to_string()))?;
    Ok(urgent::storable("/reason", reason, MAX_REASON_CHARS, warnings))
}

/// The bundle that serves everything once `leaving` is out.
pub(super) async fn successor(db: &mut PgConnection, leaving: &Row) -> Result<Option<Row>> {
    if leaving.state()? != State::Active {
        return bundle_row::stable(db).await;
    }
    match last_known_good(db, leaving.id).await? {
        Some(id) => bundle_row::by_id_locked(db, id).await.map(Some),
        None => Ok(None),
    }
}

fn nothing_can_take_over(bundle: &Row) -> Problem {
    let detail = format!(
        "no earlier version can take over from {}: to stop it, an administrator can disable evaluation with POST \
         /policy/system/disable",
        bundle.version
    );
    Problem::new(Code::NoPreviousVersion, detail).with("emergency", "/policy/system/disable")
}

async fn take_out(work: &mut Work, bundle: &Row) -> Result<()> {
    let state = bundle.state()?.apply(Command::RollBack).map_err(Problem::from)?;
    sqlx::query(
        "update policy_bundles set state = $2, active = false, canary_pct = 0, stage_started_at = null,
             rolled_back_at = now(), updated_at = now(), revision = revision + 1 where id = $1",
    )
    .bind(bundle.id)
    .bind(state.name())
    .execute(work.db())
    .await?;
    Ok(())
}

async fn bring_back(work: &mut Work, bundle: &Row) -> Result<()> {
    let state = bundle.state()?.apply(Command::Restore).map_err(Problem::from)?;
    let by = work.actor().name.clone();
    sqlx::query(
        "update policy_bundles set state = $2, active = true, canary_pct = 100, stage_started_at = now(),
             activated_at = now(), activated_by = $3, reached_full_at = now(), updated_at = now(),
             revision = revision + 1 where id = $1",
    )
    .bind(bundle.id)
    .bind(state.name())
    .bind(by)
    .execute(work.db())
    .await?;
    Ok(())
}

/// The values that the records of one rollback have in common.
struct Shared<'a> {
    restored: &'a Row,
    reason: &'a str,
    on_behalf_of: Option<&'a str>,
    triggered_at: Timestamp,
    incident_id: Option<&'a str>,
}

/// Stores the signed record and notes the audit entry of the rollback of `bundle`, as the bundle was before.
async fn write(keys: &KeyRing, work: &mut Work, bundle: &Row, shared: &Shared<'_>) -> Result<RollbackRecord> {
    let checksum = system::serving_checksum(work.db()).await?;
    let mut record = RollbackRecord {
        id: 0,
        bundle_id: bundle.id,
        version: bundle.version.clone(),
        digest: bundle.digest.clone(),
        from_pct: bundle.canary_pct,
        restored_bundle_id: shared.restored.id,
        restored_version: shared.restored.version.clone(),
        reason: shared.reason.to_owned(),
        actor: work.actor().name.clone(),
        credential: work.actor().credential(),
        on_behalf_of: shared.on_behalf_of.map(str::to_owned),
        rollback_triggered_at: shared.triggered_at,
        rolled_back_at: work.now,
        incident_id: shared.incident_id.map(str::to_owned),
        verification_checksum: Some(checksum),
        key_id: String::new(),
        signature: String::new(),
    };
    records::store_rollback(keys, work.db(), &mut record).await?;
    let detail = json!({
        "version": record.version, "from_state": bundle.state, "to_state": State::RolledBack.name(),
        "from_pct": record.from_pct, "to_pct": 0, "restored_version": record.restored_version,
        "reason": record.reason, "on_behalf_of": record.on_behalf_of, "incident_id": record.incident_id,
        "rollback_id": record.id, "digest": record.digest,
        "rollback_triggered_at": record.rollback_triggered_at, "rolled_back_at": record.rolled_back_at,
        "verification_checksum": record.verification_checksum, "signature": record.signature,
    });
    let summary = format!("{} was rolled back to {}: {}", record.version, record.restored_version, record.reason);
    work.note(EventType::RolledBack, "bundle", record.bundle_id, summary, detail);
    Ok(record)
}

/// The newest rollback of a bundle.
async fn latest(db: &mut PgConnection, bundle_id: i64) -> Result<Option<RollbackRecord>> {
    let records = records::rollbacks(db, Some(bundle_id), 1).await?;
    Ok(records.into_iter().next())
}

async fn respond(db: &mut PgConnection, record: RollbackRecord, repeated: bool) -> Result<RollbackResponse> {
    let now = bundle_row::by_id(db, record.restored_bundle_id).await?;
    let message = if repeated {
        format!("{} was rolled back to {} already.", record.version, record.restored_version)
    } else {
        format!("{} was rolled back; {} serves all traffic.", record.version, record.restored_version)
    };
    Ok(RollbackResponse {
        id: record.restored_bundle_id,
        version: record.restored_version,
        rolled_back_from: record.version,
        active: now.active,
        canary_pct: now.canary_pct,
        message,
        incident_created: record.incident_id.is_some(),
        incident_id: record.incident_id,
        rollback_id: record.id,
        warnings: Vec::new(),
    })
}
