//! Acting on a packet: approving it, rejecting it, requesting changes.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    bundle::state::Command,
    problem::{Code, Problem},
    review::{
        ActionRefused, Packet, PacketStatus, Proposal, Verdict,
        action::{self, MAX_REASON_CHARS},
        review_status,
    },
};
use serde_json::json;

use super::{exceptions::overridden_now, for_reviewer, row};
use crate::{Error, Result, Store, held_roles, settings, system, work::Work};

/// Approves a packet, rejects it or requests changes. Repeating an action changes nothing and returns the packet.
///
/// # Errors
/// Denied without [`Permission::ActOnPackets`]; `forbidden` for its authors and its builder; a missing reason; `paused`
/// for approvals during a pause; `invalid_transition` when the packet is not in review; `stale_approval` for approvals
/// after another bundle became stable; `packet_blocked` for approvals of a packet with a failed guardrail or a blocked
/// red team scenario; `conflict` when the content or an earlier action does not verify, and when the bundle was submitted
/// again while this action was on its way.
pub async fn act(
    store: &Store,
    actor: &Actor,
    packet_id: &str,
    verdict: Verdict,
    reason: Option<String>,
) -> Result<Packet> {
    let permit = authorize(actor, Permission::ActOnPackets)?;
    if reason.as_deref().is_some_and(|reason| reason.chars().count() > MAX_REASON_CHARS || reason.contains('\0')) {
        return Err(
            Problem::invalid_field("/reason", format!("a reason has at most {MAX_REASON_CHARS} characters")).into()
        );
    }
    let mut work = Work::begin(store, permit).await?;
    let (bundle, packet) = for_reviewer::locked(&mut work, actor, Permission::ActOnPackets, packet_id).await?;
    let settings = settings::load(work.db()).await?;
    let proposal = Proposal { packet_id: &packet.packet_id, actor, decision: verdict, reason: reason.as_deref() };
    let record = action::record(&proposal, work.now, &settings.review, &store.keys()).map_err(refused)?;
    let content = packet.genuine_content()?;
    if content.required_approvals != packet.required_approvals() {
        return Err(Error::refused(Code::Conflict, "the number of approvals it needs was changed in the database"));
    }
    let mut actions = row::verified_actions(&store.keys(), work.db(), &packet).await?;
    if actions.iter().any(|known| known.idempotency_key == record.idempotency_key) {
        return row::read(&store.keys(), work.db(), packet).await;
    }
    let status = packet.status()?;
    if status != PacketStatus::InReview {
        let detail = format!("this packet is `{}`: it does not wait for reviewers any more", status.name());
        return Err(Problem::new(Code::InvalidTransition, detail)
            .with("from", status.name())
            .with("to", status_after(verdict).name())
            .into());
    }
    if verdict == Verdict::Approve {
        system::refuse_when_paused(work.db()).await?;
        if row::is_stale(work.db(), packet.base_id).await? {
            return Err(Error::refused(
                Code::StaleApproval,
                "another bundle became stable since this packet was built: it has to be submitted again",
            ));
        }
        let overridden = overridden_now(&store.keys(), work.db(), &packet, false).await?;
        let blockers = content.blockers(&overridden);
        if let Some(first) = blockers.first() {
            let detail =
                format!("this packet cannot be approved. {first} The draft has to be changed and submitted again");
            return Err(Problem::new(Code::PacketBlocked, detail).with("blockers", blockers).into());
        }
    }

    row::insert_action(work.db(), packet.row_id, &record).await?;
    actions.push(record.clone());
    let standing = held_roles::standing(work.db()).await?;
    let now = review_status(&packet.quorum(&standing), &actions, work.now);
    let command = match now.status {
        PacketStatus::Approved => Some(Command::Approve),
        PacketStatus::Rejected => Some(Command::Reject),
        PacketStatus::ChangesRequested => Some(Command::RequestChanges),
        PacketStatus::InReview | PacketStatus::Void => None,
    };
    let mut to_state = bundle.state()?;
    if let Some(command) = command {
        to_state = to_state.apply(command).map_err(Problem::from)?;
        sqlx::query("update policy_packets set status = $2 where row_id = $1")
            .bind(packet.row_id)
            .bind(now.status.name())
            .execute(work.db())
            .await?;
        sqlx::query("update policy_bundles set state = $2, updated_at = now(), revision = revision + 1 where id = $1")
            .bind(bundle.id)
            .bind(to_state.name())
            .execute(work.db())
            .await?;
    }
    let (event, did) = match verdict {
        Verdict::Approve => (EventType::Approved, "approved"),
        Verdict::Reject => (EventType::Rejected, "rejected"),
        Verdict::RequestChanges => (EventType::ChangesRequested, "asked for changes to"),
    };
    let detail = json!({
        "bundle_id": bundle.id, "version": bundle.version, "from_state": bundle.state, "to_state": to_state.name(),
        "decision": verdict, "reason": record.reason, "idempotency_key": record.idempotency_key,
        "approved_by": now.approved_by, "required_approvals": content.required_approvals, "still_needed": now.missing,
        "digest": bundle.digest,
    });
    let summary = format!("{} {did} {}", actor.name, bundle.version);
    work.note(event, "packet", &packet.packet_id, summary, detail);
    let result = {
        let packet = row::by_row_locked(work.db(), packet.row_id).await?;
        row::read(&store.keys(), work.db(), packet).await?
    };
    work.commit().await?;
    Ok(result)
}

/// The status that a verdict leads to, once there are enough verdicts of its kind.
const fn status_after(verdict: Verdict) -> PacketStatus {
    match verdict {
        Verdict::Approve => PacketStatus::Approved,
        Verdict::Reject => PacketStatus::Rejected,
        Verdict::RequestChanges => PacketStatus::ChangesRequested,
    }
}

fn refused(error: ActionRefused) -> Error {
    match error {
        ActionRefused::ReasonRequired => Problem::invalid_field("/reason", error.to_string()).into(),
        ActionRefused::Signature(cause) => Error::Internal(format!("an action could not be signed: {cause}")),
    }
}
