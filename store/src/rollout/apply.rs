//! Putting an approved bundle into service.

use lifecycle::{
    Timestamp,
    audit::EventType,
    authority::{Actor, Permission, authorize},
    bundle::{Record, state::Command},
    problem::{Code, Problem},
    review::{PacketStatus, standing},
    rollout::{ApplyRecord, Stage},
    signing,
};
use serde_json::json;
use sqlx::AssertSqlSafe;
use time::OffsetDateTime;

use crate::{
    Error, Result, Store,
    bundles::row::{self as bundle_row, COLUMNS, Row},
    packets::{row as packet_row, verify_evidence},
    system,
    work::Work,
};

/// Puts an approved bundle into service at 10 % (`None` or 10), or as a shadow (0).
///
/// # Errors
/// Denied without [`Permission::Apply`]; no such bundle or packet; `invalid_transition` when it is not approved;
/// `stale_approval` when approvals expired or another bundle became stable; `conflict` when another bundle is in
/// rollout or the evidence does not hold; `paused`.
pub async fn apply(
    store: &Store,
    actor: &Actor,
    bundle_id: i64,
    packet_id: &str,
    canary_pct: Option<i16>,
) -> Result<Record> {
    let permit = authorize(actor, Permission::Apply)?;
    let stage = match canary_pct {
        None | Some(10) => Stage::Canary10,
        Some(0) => Stage::Shadow,
        Some(other) => {
            let detail = format!("a bundle enters service at 10 %, or at 0 % as a shadow, not at {other} %");
            return Err(Problem::invalid_field("/canary_pct", detail).into());
        }
    };
    let command = Command::Apply { shadow: stage == Stage::Shadow };
    // Running the evidence again takes time, so it is done before anything is locked: a packet never changes.
    let evidence = evidence_of(store, bundle_id, packet_id, command).await?;

    let mut work = Work::begin_serving(store, permit).await?;
    let bundle = bundle_row::by_id_locked(work.db(), bundle_id).await?;
    let state = bundle.state()?.apply(command).map_err(Problem::from)?;
    system::refuse_when_paused(work.db()).await?;
    if let Err(error) = check_approval(store, &mut work, &bundle, packet_id).await {
        drop(work);
        note_stale(store, actor, &bundle, packet_id, &error).await;
        return Err(error);
    }
    if let Some(other) = bundle_row::canary(work.db()).await? {
        let detail = format!(
            "{} is already in rollout at {} %: promote it or roll it back first",
            other.version, other.canary_pct
        );
        return Err(Problem::new(Code::Conflict, detail)
            .with("bundle_id", other.id)
            .with("version", other.version)
            .into());
    }
    if let Some(problem) = evidence {
        return Err(Error::refused(Code::Conflict, format!("the packet's evidence does not hold: {problem}")));
    }

    let sql = format!(
        "update policy_bundles set state = $2, active = $3, canary_pct = $4, stage_started_at = now(),
             activated_at = now(), activated_by = $5, updated_at = now(), revision = revision + 1
         where id = $1 returning {COLUMNS}"
    );
    let after: Row = sqlx::query_as(AssertSqlSafe(sql))
        .bind(bundle.id)
        .bind(state.name())
        .bind(stage.percent() > 0)
        .bind(stage.percent())
        .bind(&actor.name)
        .fetch_one(work.db())
        .await?;
    let record = record(store, &mut work, &after, Some(packet_id), 0).await?;
    let detail = json!({
        "version": after.version, "from_state": bundle.state, "to_state": state.name(), "packet_id": packet_id,
        "from_pct": 0, "to_pct": after.canary_pct, "digest": after.digest, "apply_id": record.id,
        "signature": record.signature,
    });
    let summary = match stage {
        Stage::Shadow => format!("{} entered service as a shadow", after.version),
        _ => format!("{} entered service at {} %", after.version, after.canary_pct),
    };
    work.note(EventType::Applied, "bundle", after.id, summary, detail);
    work.commit().await?;
    after.record()
}

/// Re-runs the packet's replay; the problem it shows, if any. Cheap checks come first, so that a mistake is answered at
/// once.
async fn evidence_of(store: &Store, bundle_id: i64, packet_id: &str, command: Command) -> Result<Option<String>> {
    let mut db = store.pool().acquire().await?;
    let bundle = bundle_row::by_id(&mut db, bundle_id).await?;
    bundle.state()?.apply(command).map_err(Problem::from)?;
    let packet = packet_row::by_id(&mut db, packet_id).await?;
    drop(db);
    if packet.bundle_id != bundle_id {
        let detail = format!("this packet is about another bundle, not about {}", bundle.version);
        return Err(Problem::invalid_field("/packet_id", detail).into());
    }
    let found = verify_evidence(store, packet_id).await?;
    let same_content = packet.content()?.bundle.digest == bundle.digest;
    Ok(if same_content {
        found.problems.into_iter().next()
    } else {
        Some("the bundle is not the one that was reviewed".to_owned())
    })
}

/// The packet has its quorum now, of approvals whose signatures verify, and is about what is live now.
async fn check_approval(store: &Store, work: &mut Work, bundle: &Row, packet_id: &str) -> Result<()> {
    let packet = packet_row::by_id(work.db(), packet_id).await?;
    let status = packet.status()?;
    if packet.bundle_id != bundle.id || status != PacketStatus::Approved {
        let detail = format!("this packet is `{}`, not approved", status.name());
        return Err(Problem::new(Code::InvalidTransition, detail)
            .with("from", status.name())
            .with("to", "applied")
            .into());
    }
    if packet_row::is_stale(work.db(), packet.base_id).await? {
        let detail = "another bundle became stable since this was approved: withdraw it and submit it again";
        return Err(Error::refused(Code::StaleApproval, detail));
    }
    let actions = packet_row::verified_actions(store, work.db(), packet_id, packet.row_id).await?;
    let now = standing(packet.required_approvals(), &packet.authors, &packet.built_by, &actions, work.now);
    if now.status != PacketStatus::Approved {
        let detail = format!(
            "the approval no longer holds ({}): withdraw the bundle and submit it again",
            now.missing.join("; ")
        );
        return Err(Problem::new(Code::StaleApproval, detail).with("missing", now.missing).into());
    }
    Ok(())
}

/// Writes down that an approval was found stale where it was to be used. The refusal stands whether or not this works.
async fn note_stale(store: &Store, actor: &Actor, bundle: &Row, packet_id: &str, error: &Error) {
    let problem = match error {
        Error::Refused(problem) if problem.code == Code::StaleApproval => problem,
        _ => return,
    };
    let written = async {
        let mut work = Work::begin(store, authorize(actor, Permission::Apply)?).await?;
        let detail = json!({
            "bundle_id": bundle.id, "version": bundle.version, "digest": bundle.digest, "packet_id": packet_id,
            "why": problem.detail,
        });
        let summary = format!("{} was not applied: its approval is stale", bundle.version);
        work.note(EventType::StaleApprovalDetected, "packet", packet_id, summary, detail);
        work.commit().await
    };
    if let Err(error) = written.await {
        tracing::error!(packet = packet_id, %error, "a stale approval could not be written down");
    }
}

/// Writes the signed record of an apply or a promotion. `after` is the bundle as it is now.
pub(super) async fn record(
    store: &Store,
    work: &mut Work,
    after: &Row,
    packet_id: Option<&str>,
    from_pct: i16,
) -> Result<ApplyRecord> {
    let mut record = ApplyRecord {
        id: 0,
        bundle_id: after.id,
        version: after.version.clone(),
        digest: after.digest.clone(),
        packet_id: packet_id.map(str::to_owned),
        from_pct,
        to_pct: after.canary_pct,
        actor: work.actor().name.clone(),
        at: work.now,
        key_id: String::new(),
        signature: String::new(),
    };
    signing::sign(store.keys(), &mut record)
        .map_err(|refusal| Error::Internal(format!("an apply could not be signed: {refusal}")))?;
    record.id = sqlx::query_scalar(
        "insert into policy_apply_record (bundle_id, version, digest, packet_id, from_pct, to_pct, actor, at, key_id,
             signature)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id",
    )
    .bind(record.bundle_id)
    .bind(&record.version)
    .bind(&record.digest)
    .bind(&record.packet_id)
    .bind(record.from_pct)
    .bind(record.to_pct)
    .bind(&record.actor)
    .bind(OffsetDateTime::from(record.at))
    .bind(&record.key_id)
    .bind(&record.signature)
    .fetch_one(work.db())
    .await?;
    Ok(record)
}

/// The packet a bundle in service was applied with, for the record of a promotion.
pub(super) async fn packet_of(work: &mut Work, bundle_id: i64) -> Result<Option<String>> {
    let found: Option<Option<String>> =
        sqlx::query_scalar("select packet_id from policy_apply_record where bundle_id = $1 order by id desc limit 1")
            .bind(bundle_id)
            .fetch_optional(work.db())
            .await?;
    Ok(found.flatten())
}

/// The times a bundle has served since it was applied are counted from its stage's beginning.
pub(super) fn stage_of(bundle: &Row) -> Option<(Stage, Option<Timestamp>)> {
    Stage::from_percent(bundle.canary_pct).map(|stage| (stage, bundle.stage_started()))
}
