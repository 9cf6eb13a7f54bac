//! Exceptions to failed guardrails: signing them, and what they override.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    problem::{Code, Problem},
    review::{
        Exception, GuardrailVerdict, Packet, PacketStatus,
        exception::{ExceptionRefused, sign_exception as sign},
        guardrails::GuardrailName,
        overridden,
    },
    signing::KeyRing,
};
use serde_json::json;
use sqlx::PgConnection;

use super::{
    exception_rows::{insert, of_packet, standing_as_signed},
    for_reviewer, row,
};
use crate::{Error, Result, Store, held_roles, system, work::Work};

/// Signs an exception to a guardrail that the packet fails. With a safety owner's and a runtime owner's signature, the
/// guardrail no longer blocks an approval.
///
/// # Errors
/// Denied without [`Permission::SignExceptions`]; `forbidden` for the packet's authors and its builder; a missing reason;
/// `paused` during a pause; `invalid_transition` when the packet is not in review; `stale_approval` after another bundle
/// became stable; `conflict` for a guardrail that did not fail, a second signature by one person, and what does not verify.
pub async fn sign_exception(
    store: &Store,
    actor: &Actor,
    packet_id: &str,
    guardrail: GuardrailName,
    reason: &str,
) -> Result<Packet> {
    let permit = authorize(actor, Permission::SignExceptions)?;
    let mut work = Work::begin(store, permit).await?;
    let (bundle, packet) = for_reviewer::locked(&mut work, actor, Permission::SignExceptions, packet_id).await?;
    let status = packet.status()?;
    if status != PacketStatus::InReview {
        let detail = format!("this packet is `{}`: exceptions are signed while it waits for reviewers", status.name());
        return Err(Problem::new(Code::InvalidTransition, detail).with("from", status.name()).into());
    }
    system::refuse_when_paused(work.db()).await?;
    if row::is_stale(work.db(), packet.base_id).await? {
        let detail = "another bundle became stable since this packet was built: it has to be submitted again";
        return Err(Error::refused(Code::StaleApproval, detail));
    }
    let content = packet.genuine_content()?;
    let failed = |name: GuardrailName| {
        content.guardrails.iter().any(|one| one.name == name && one.verdict == GuardrailVerdict::Fail)
    };
    if !failed(guardrail) {
        let names: Vec<&str> =
            GuardrailName::ALL.into_iter().filter(|name| failed(*name)).map(GuardrailName::name).collect();
        let which = if names.is_empty() { "none failed".to_owned() } else { format!("failed: {}", names.join(", ")) };
        let detail =
            format!("only a guardrail that failed can be overridden, and {} did not ({which})", guardrail.name());
        return Err(Problem::invalid_field("/guardrail", detail).into());
    }
    let mut all = verified(&store.keys(), work.db(), &packet).await?;
    let signed = sign(&packet.packet_id, guardrail, (actor, reason), &all, work.now, &store.keys()).map_err(refused)?;
    insert(work.db(), packet.row_id, &signed).await?;
    all.push(signed.clone());
    let standing = held_roles::standing(work.db()).await?;
    let in_force = overridden(&packet.quorum(&standing), &all).contains(&guardrail);
    let detail = json!({
        "bundle_id": bundle.id, "version": bundle.version, "digest": bundle.digest, "guardrail": guardrail,
        "reason": signed.reason, "signed_as": signed.roles, "in_force": in_force, "signature": signed.signature,
    });
    let how = if in_force { "and it is in force now" } else { "1 of 2" };
    let summary = format!(
        "{} signed an exception to the guardrail {} of {}, {how}",
        actor.name,
        guardrail.words(),
        bundle.version
    );
    work.note(EventType::ExceptionSigned, "packet", &packet.packet_id, summary, detail);
    let result = {
        let packet = row::by_row_locked(work.db(), packet.row_id).await?;
        row::read(&store.keys(), work.db(), packet).await?
    };
    work.commit().await?;
    Ok(result)
}

fn refused(error: ExceptionRefused) -> Error {
    let detail = error.to_string();
    match error {
        ExceptionRefused::Reason => Problem::invalid_field("/reason", detail).into(),
        ExceptionRefused::SignedAlready => Error::refused(Code::Conflict, detail),
        ExceptionRefused::Signature(cause) => Error::Internal(format!("an exception could not be signed: {cause}")),
    }
}

/// The guardrails of a packet that are overridden, from exceptions whose signatures verify: by people who hold their roles
/// now, or `as_signed` who held them when they signed.
///
/// # Errors
/// `unknown_key` when the key of an exception is missing; `conflict`, with the signer, for one that was changed by hand.
pub(crate) async fn overridden_now(
    keys: &KeyRing,
    db: &mut PgConnection,
    packet: &row::Row,
    as_signed: bool,
) -> Result<Vec<GuardrailName>> {
    let exceptions = verified(keys, db, packet).await?;
    let standing = if as_signed { standing_as_signed(&exceptions) } else { held_roles::standing(db).await? };
    Ok(overridden(&packet.quorum(&standing), &exceptions))
}

async fn verified(keys: &KeyRing, db: &mut PgConnection, packet: &row::Row) -> Result<Vec<Exception>> {
    let exceptions = of_packet(db, packet.row_id).await?;
    for exception in &exceptions {
        if let Err(refusal) = exception.check(&packet.packet_id, packet.built_at(), keys) {
            tracing::error!(packet = packet.packet_id, actor = exception.actor, %refusal, "an exception does not verify");
            return Err(row::refuse(&format!("the exception signed by {}", exception.actor), &refusal));
        }
    }
    Ok(exceptions)
}
