//! Taking back: a request by its asker, an approval by a person.

use lifecycle::{
    approval::{Request, Scope, Status, outcome},
    audit::EventType,
    authority::{Actor, Permission, authorize},
    problem::Code,
};
use serde_json::json;

use super::{SUBJECT, ask::token, row};
use crate::{Error, Result, Store, work::Work};

/// Takes a request back, or an approval that was not used. Cancelling twice changes nothing.
///
/// # Errors
/// Denied without [`Permission::Evaluate`]; no such request of this token; `invalid_transition` when it ended otherwise.
pub async fn cancel(store: &Store, actor: &Actor, id: &str) -> Result<Request> {
    let permit = authorize(actor, Permission::Evaluate)?;
    let asked_by = token(actor)?;
    let mut work = Work::begin(store, permit).await?;
    let keys = work.keys();
    let found = row::locked(work.db(), id).await?;
    let terms = found.terms()?;
    if terms.asked_by != asked_by {
        return Err(Error::not_found("approval request", id));
    }
    let before = found.read(&keys, work.now)?;
    match before.status {
        Status::Cancelled => return Ok(before),
        Status::Pending => {}
        Status::Approved if before.used == 0 => {}
        status => {
            let detail = format!("this request was {} already", if before.used > 0 { "used" } else { status.name() });
            return Err(Error::refused(Code::InvalidTransition, detail));
        }
    }
    sqlx::query("update policy_approvals set cancelled_at = now() where id = $1").bind(&terms.id).execute(work.db()).await?;
    let now = work.now;
    let after = outcome(&terms, &before.actions, Some(now), None, now);
    row::end(work.db(), &terms.id, after.status, (now, None), &Scope::default()).await?;
    let summary = format!("{} took back its request to {}", terms.agent, terms.action);
    work.note(EventType::ApprovalCancelled, SUBJECT, &terms.id, summary, json!({"was": before.status}));
    let request = row::by_id(work.db(), &terms.id).await?.read(&keys, work.now)?;
    work.commit().await?;
    store.approval_changed();
    Ok(request)
}

/// Ends an approval before its time: it allows nothing more. Revoking twice changes nothing.
///
/// # Errors
/// Denied without [`Permission::DecideApprovals`]; no such request; `invalid_transition` when it is not approved.
pub async fn revoke(store: &Store, actor: &Actor, id: &str) -> Result<Request> {
    let permit = authorize(actor, Permission::DecideApprovals)?;
    let mut work = Work::begin(store, permit).await?;
    let keys = work.keys();
    let before = row::locked(work.db(), id).await?.read(&keys, work.now)?;
    if before.revoked.is_some() {
        return Ok(before);
    }
    if before.status != Status::Approved {
        let detail = format!("there is no approval to revoke: the request is {}", before.status.name());
        return Err(Error::refused(Code::InvalidTransition, detail));
    }
    let terms = &before.terms;
    sqlx::query("update policy_approvals set revoked_at = now(), revoked_by = $2 where id = $1")
        .bind(&terms.id)
        .bind(&actor.name)
        .execute(work.db())
        .await?;
    let summary = format!("{} revoked the approval of {} by {}", actor.name, terms.action, terms.agent);
    let detail = json!({"scope": before.scope, "used": before.used});
    work.note(EventType::ScopeRevoked, SUBJECT, &terms.id, summary, detail);
    let request = row::by_id(work.db(), &terms.id).await?.read(&keys, work.now)?;
    work.commit().await?;
    store.approval_changed();
    Ok(request)
}
