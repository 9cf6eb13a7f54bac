//! Putting an approved bundle into service.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, HeldRoles, Permission, authorize},
    bundle::{Record, state::Command},
    problem::{Code, Problem},
    review::{PacketStatus, review_status},
    rollout::{ApplyRecord, Stage, freeze::Operation},
    signing::KeyRing,
};
use policy::{Timestamp, lint};
use serde_json::json;

use super::{freezes::refuse_when_frozen, records};
use crate::{
    Error, Result, Store,
    bundles::row::{self as bundle_row, COLUMNS, Row},
    held_roles,
    packets::{overridden_now, row as packet_row, verify_evidence},
    settings, system,
    work::Work,
};

/// Puts an approved bundle into service at 10 % (`None` or 10), or as a shadow (0).
///
/// # Errors
/// Denied without [`Permission::Apply`]; no such bundle or packet; `invalid_transition` when it is not approved;
/// `stale_approval` when approvals expired or another bundle became stable; `conflict` when another bundle is in
/// rollout or the evidence does not hold; `paused`; `frozen`.
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
    let order = Order { bundle_id, packet_id, stage, signers: Signers::Now };
    refuse_early(store, &order).await?;
    // Replaying the evidence takes time, so this is done before anything is locked: a packet never changes.
    let evidence = evidence_of(store, actor, &order).await?;
    let mut work = Work::begin_serving(store, permit).await?;
    let bundle = bundle_row::by_id_locked(work.db(), bundle_id).await?;
    let stable = bundle_row::stable(work.db()).await?;
    refuse_when_frozen(&mut work, Operation::Apply, &bundle, stable.as_ref()).await?;
    let (after, _) = match apply_in(store, &mut work, &order, evidence).await {
        Ok(applied) => applied,
        Err(error) => {
            drop(work);
            note_stale(store, actor, &order, &error).await;
            return Err(error);
        }
    };
    work.commit().await?;
    after.record()
}

/// The bundle to put into service, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    pub bundle_id: i64,
    pub packet_id: &'a str,
    /// [`Stage::Canary10`] or [`Stage::Shadow`].
    pub stage: Stage,
    /// The roles for which signatures count.
    pub signers: Signers,
}

/// The roles for which the signatures on a packet count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signers {
    /// The roles that the signers hold now.
    Now,
    /// The roles that they signed with: a rehearsal of something that was applied before, with people who may have left.
    AsSigned,
}

impl Order<'_> {
    fn command(&self) -> Command {
        Command::Apply { shadow: self.stage == Stage::Shadow }
    }
}

/// Puts an approved bundle into service inside a transaction that holds the serving lock. `evidence` is the problem
/// that [`evidence_of`] found. Returns the bundle as it is afterwards, and the signed record.
pub(crate) async fn apply_in(
    store: &Store,
    work: &mut Work,
    order: &Order<'_>,
    evidence: Option<String>,
) -> Result<(Row, ApplyRecord)> {
    let Order { packet_id, stage, .. } = *order;
    let bundle = bundle_row::by_id_locked(work.db(), order.bundle_id).await?;
    let state = bundle.state()?.apply(order.command()).map_err(Problem::from)?;
    system::refuse_when_paused(work.db()).await?;
    check_approval(store, work, &bundle, order).await?;
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

    let sql = concatcp!(
        "update policy_bundles set state = $2, active = $3, canary_pct = $4, stage_started_at = now(),
             activated_at = now(), activated_by = $5, updated_at = now(), revision = revision + 1
         where id = $1 returning ",
        COLUMNS
    );
    let after: Row = sqlx::query_as(sql)
        .bind(bundle.id)
        .bind(state.name())
        .bind(stage.percent() > 0)
        .bind(stage.percent())
        .bind(work.actor().name.clone())
        .fetch_one(work.db())
        .await?;
    let record = record(&store.keys(), work, &after, Some(packet_id), 0).await?;
    let detail = json!({
        "version": after.version, "from_state": bundle.state, "to_state": state.name(), "packet_id": packet_id,
        "from_pct": 0, "to_pct": after.canary_pct, "digest": after.digest, "apply_id": record.id,
        "verification_checksum": record.verification_checksum, "signature": record.signature,
    });
    let summary = match stage {
        Stage::Shadow => format!("{} entered service as a shadow", after.version),
        _ => format!("{} entered service at {} %", after.version, after.canary_pct),
    };
    work.note(EventType::Applied, "bundle", after.id, summary, detail);
    Ok((after, record))
}

/// The cheap checks, so that a mistake or a pause is refused at once.
async fn refuse_early(store: &Store, order: &Order<'_>) -> Result<()> {
    let mut db = store.pool().acquire().await?;
    let bundle = bundle_row::by_id(&mut db, order.bundle_id).await?;
    bundle.state()?.apply(order.command()).map_err(Problem::from)?;
    system::refuse_when_paused(&mut db).await
}

/// Replays the packet's evidence; returns the problem with it, if any.
pub(crate) async fn evidence_of(store: &Store, actor: &Actor, order: &Order<'_>) -> Result<Option<String>> {
    let mut db = store.pool().acquire().await?;
    let bundle = bundle_row::by_id(&mut db, order.bundle_id).await?;
    let packet = packet_row::by_id(&mut db, order.packet_id).await?;
    drop(db);
    if packet.bundle_id != order.bundle_id {
        let detail = format!("this packet is about another bundle, not about {}", bundle.version);
        return Err(Problem::invalid_field("/packet_id", detail).into());
    }
    let found = verify_evidence(store, actor, order.packet_id).await?;
    let source = bundle.source()?;
    let reviewed = packet.content()?;
    // The digest is computed again, because content and column may both have been changed by hand.
    if reviewed.bundle.digest != bundle.digest || reviewed.bundle.digest != source.digest().as_str() {
        return Ok(Some("the bundle is not the one that was reviewed".to_owned()));
    }
    if reviewed.required_approvals != packet.required_approvals() {
        return Ok(Some("the number of approvals it needs was changed".to_owned()));
    }
    if let Some(problem) = found.problems.into_iter().next() {
        return Ok(Some(problem));
    }
    // Invariants that were added after the approval count too.
    let invariants = settings::load_invariants(store.pool()).await?;
    let prove = move || {
        let findings = lint::invariants::check(&source.parse_rules().bundle, &invariants);
        findings.into_iter().find(|finding| finding.severity == lint::Severity::Error).map(|finding| finding.message)
    };
    store.heavy().run(&actor.name, prove).await
}

/// Refuses unless the packet now has its quorum of approvals whose signatures verify and whose signers hold their roles,
/// and was built on the bundle that is now stable.
async fn check_approval(store: &Store, work: &mut Work, bundle: &Row, order: &Order<'_>) -> Result<()> {
    let packet = packet_row::by_id(work.db(), order.packet_id).await?;
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
    let actions = packet_row::verified_actions(&store.keys(), work.db(), &packet).await?;
    let standing = match order.signers {
        Signers::Now => held_roles::standing(work.db()).await?,
        Signers::AsSigned => {
            HeldRoles::of(actions.iter().map(|action| (action.actor.clone(), action.roles.iter().copied().collect())))
        }
    };
    let now = review_status(&packet.quorum(&standing), &actions, work.now);
    let as_signed = order.signers == Signers::AsSigned;
    let overridden = overridden_now(&store.keys(), work.db(), &packet, as_signed).await?;
    if let Some(first) = packet.content()?.blockers(&overridden).into_iter().next() {
        let detail = format!("the approval no longer holds. {first} Withdraw the bundle and submit it again");
        return Err(Error::refused(Code::StaleApproval, detail));
    }
    if now.status != PacketStatus::Approved {
        let detail = format!(
            "the approval no longer holds ({}): withdraw the bundle and submit it again",
            now.missing.join("; ")
        );
        return Err(Problem::new(Code::StaleApproval, detail).with("missing", now.missing).into());
    }
    Ok(())
}

/// Records in the audit trail that an apply found its approval stale. The apply is refused whether or not this works.
async fn note_stale(store: &Store, actor: &Actor, order: &Order<'_>, error: &Error) {
    let packet_id = order.packet_id;
    let problem = match error {
        Error::Refused(problem) if problem.code == Code::StaleApproval => problem,
        _ => return,
    };
    let written = async {
        let mut work = Work::begin(store, authorize(actor, Permission::Apply)?).await?;
        let bundle = bundle_row::by_id(work.db(), order.bundle_id).await?;
        let detail = json!({
            "bundle_id": bundle.id, "version": bundle.version, "digest": bundle.digest, "packet_id": packet_id,
            "why": problem.detail,
        });
        let summary = format!("{} was not applied: its approval is stale", bundle.version);
        work.note(EventType::StaleApprovalDetected, "packet", packet_id, summary, detail);
        work.commit().await
    };
    if let Err(error) = written.await {
        tracing::error!(packet = packet_id, %error, "a stale approval could not be recorded");
    }
}

/// Writes the signed record of an apply or a promotion. `after` is the bundle as it is now.
pub(super) async fn record(
    keys: &KeyRing,
    work: &mut Work,
    after: &Row,
    packet_id: Option<&str>,
    from_pct: i16,
) -> Result<ApplyRecord> {
    let checksum = system::serving_checksum(work.db()).await?;
    let mut record = ApplyRecord {
        id: 0,
        bundle_id: after.id,
        version: after.version.clone(),
        digest: after.digest.clone(),
        packet_id: packet_id.map(str::to_owned),
        from_pct,
        to_pct: after.canary_pct,
        actor: work.actor().name.clone(),
        credential: work.actor().credential(),
        at: work.now,
        verification_checksum: Some(checksum),
        key_id: String::new(),
        signature: String::new(),
    };
    records::store_apply(keys, work.db(), &mut record).await?;
    Ok(record)
}

/// The packet with which a bundle in service was applied, from its last apply record, whose signature must verify.
pub(super) async fn packet_of(keys: &KeyRing, work: &mut Work, bundle_id: i64) -> Result<Option<String>> {
    let records = records::applies(work.db(), Some(bundle_id), 1).await?;
    let Some(last) = records.into_iter().next() else { return Ok(None) };
    records::check(keys, &last, || format!("the record of the last apply of {}", last.version))?;
    Ok(last.packet_id)
}

/// The stage of a bundle, and when the stage began.
pub(super) fn stage_of(bundle: &Row) -> Option<(Stage, Option<Timestamp>)> {
    Stage::from_percent(bundle.canary_pct).map(|stage| (stage, bundle.stage_started()))
}
