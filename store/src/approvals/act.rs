//! Approving and denying.

use lifecycle::{
    approval::{Action, Request, Scope, Status, Verdict, action::{ActionRefused, MAX_REASON_CHARS}, may_decide, outcome},
    audit::EventType,
    authority::{Actor, Permission, authorize, same_person},
    problem::{Code, Problem},
};
use policy::Fault;
use serde_json::json;

use super::{SUBJECT, row};
use crate::{Error, Result, Store, json, work::Work};

/// What a person decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Approve or deny.
    pub verdict: Verdict,
    /// The reason; required to deny.
    pub reason: Option<String>,
    /// How much an approval covers.
    pub scope: Scope,
}

/// Records a person's decision about a request. Repeating it changes nothing.
///
/// # Errors
/// Denied without [`Permission::DecideApprovals`]; no such request; `forbidden` for whom the agent acts for and for whom the
/// rule does not name; a missing reason; a scope that makes no sense; `invalid_transition` when the request does not wait.
pub async fn act(store: &Store, actor: &Actor, id: &str, decision: Decision) -> Result<Request> {
    let permit = authorize(actor, Permission::DecideApprovals)?;
    let Decision { verdict, reason, scope } = decision;
    if reason.as_deref().is_some_and(|reason| reason.chars().count() > MAX_REASON_CHARS || reason.contains('\0')) {
        let detail = format!("a reason has at most {MAX_REASON_CHARS} characters, and no NUL");
        return Err(Problem::invalid_field("/reason", detail).into());
    }
    let mut work = Work::begin(store, permit).await?;
    let keys = work.keys();
    let found = row::locked(work.db(), id).await?;
    let terms = found.terms()?;
    may_decide(&terms, actor).map_err(|why| Error::refused(Code::Forbidden, why.to_string()))?;
    let context = found.context()?;
    let cancelled_at = found.cancelled_at.map(Into::into);
    let mut actions = found.actions()?;
    actions.retain(|action| action.is_genuine(&terms, &keys));
    let before = outcome(&terms, &actions, cancelled_at, None, work.now);
    if let Some(mine) = actions.iter().find(|action| same_person(&action.actor, &actor.name)) {
        if mine.decision == verdict && before.status != Status::Cancelled {
            return found.read(&keys, work.now);
        }
        if before.status == Status::Pending && verdict == Verdict::Approve {
            return found.read(&keys, work.now);
        }
    }
    if before.status != Status::Pending {
        let detail = match before.status {
            Status::Expired => format!("this request expired at {} without an answer: the agent has to ask again", terms.expires_at),
            Status::Cancelled => "the agent took this request back".to_owned(),
            status => format!("this request was {} already", status.name()),
        };
        return Err(Problem::new(Code::InvalidTransition, detail)
            .with("from", before.status.name())
            .with("to", if verdict == Verdict::Approve { "approved" } else { "denied" })
            .into());
    }
    let scope = match verdict {
        Verdict::Deny => Scope::default(),
        Verdict::Approve => scope.checked(&terms, &context, work.now).map_err(|faults| {
            let under = |fault: Fault| Fault { pointer: format!("/scope{}", fault.pointer), ..fault };
            Problem::invalid_fields(faults.into_iter().map(under).collect())
        })?,
    };
    let action = Action::record(&terms, actor, (verdict, reason.as_deref(), scope), work.now, &keys).map_err(refused)?;
    sqlx::query("insert into policy_approval_actions (approval_id, actor, action) values ($1, $2, $3::json)")
        .bind(&terms.id)
        .bind(&action.actor)
        .bind(json::text(&action)?)
        .execute(work.db())
        .await?;
    actions.push(action.clone());
    let after = outcome(&terms, &actions, None, None, work.now);
    if let Some(ended_at) = after.ended_at {
        row::end(work.db(), &terms.id, after.status, (ended_at, after.usable_until), &after.scope).await?;
    }
    let (event, did) = match verdict {
        Verdict::Approve => (EventType::CallApproved, "approved"),
        Verdict::Deny => (EventType::CallDenied, "denied"),
    };
    let summary = format!("{} {did} {} by {}", actor.name, terms.action, terms.agent);
    let detail = json!({
        "decision": verdict, "reason": action.reason, "scope": action.scope, "request_digest": action.request_digest,
        "decision_id": terms.decision_id, "rule": terms.rule, "status": after.status, "still_needed": after.missing,
    });
    work.note(event, SUBJECT, &terms.id, summary, detail);
    let request = row::by_id(work.db(), &terms.id).await?.read(&keys, work.now)?;
    work.commit().await?;
    store.approval_changed();
    Ok(request)
}

fn refused(refused: ActionRefused) -> Error {
    match refused {
        ActionRefused::ReasonRequired => Problem::invalid_field("/reason", refused.to_string()).into(),
        ActionRefused::Signature(error) => Error::Internal(error.to_string()),
    }
}
