//! Using an approval: the decision is recorded in the transaction that counts the use.

use lifecycle::{
    approval::{NotAllowed, Spendable, check_grant},
    audit::EventType,
    authority::{Actor, Permission, authorize},
    decision::{Mode, Record},
};
use policy::bundle::Effect;
use serde_json::json;

use super::{
    SUBJECT,
    ask::{HeldCall, token},
    row,
};
use crate::{Result, Store, decisions, held_roles, work::Work};

/// How many approvals with a scope are looked at for one call.
const MOST_SCOPES: i64 = 20;

/// A call for which an approval is to be used.
#[derive(Debug, Clone, Copy)]
pub struct Spend<'a> {
    /// The call, which the live policy holds for approval.
    pub ask: HeldCall<'a>,
    /// The approval that the asker names; without one, any in force whose scope covers the call.
    pub approval: Option<&'a str>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Spent {
    /// The call is allowed; the decision is recorded, and the approval counts one use more.
    Allowed {
        /// The decision.
        record: Box<Record>,
        /// The request that was approved.
        approval: String,
    },
    /// The decision with this id was recorded before.
    Repeated(Box<Record>),
    /// The id of the decision stands for another question.
    IdTaken,
    /// The approval does not allow the call. Nothing was recorded.
    NotAllowed(NotAllowed),
}

/// Uses an approval for a call, and records the decision. Either both happen or neither, however many servers try.
///
/// # Errors
/// Denied without [`Permission::Evaluate`]; the database failed: then it is unknown whether the approval was used, and asking
/// again with the same decision id is safe.
pub async fn spend(store: &Store, actor: &Actor, spend: &Spend<'_>) -> Result<Spent> {
    let permit = authorize(actor, Permission::Evaluate)?;
    let asked_by = token(actor)?;
    let call = spend.ask.call(asked_by);
    let mut work = Work::begin(store, permit).await?;
    let keys = work.keys();
    let candidates: Vec<String> = match spend.approval {
        Some(id) => vec![id.replace('\0', "")],
        None => sqlx::query_scalar(
            "select id from policy_approvals where status = 'approved' and asked_by = $1 and agent = $2 and action = $3
                     and rule_digest = $4 and scope_kind <> 'once' and usable_until > now() and revoked_at is null
                     and used < uses
                 order by usable_until limit $5",
        )
        .bind(asked_by)
        .bind(call.agent)
        .bind(call.action)
        .bind(call.rule.digest.as_str())
        .bind(MOST_SCOPES)
        .fetch_all(work.db())
        .await?,
    };
    let standing = held_roles::standing(work.db()).await?;
    let mut refused = NotAllowed::Unknown;
    for id in candidates {
        let found = match row::locked(work.db(), &id).await {
            Ok(found) => found,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error),
        };
        let terms = match found.terms(&keys) {
            Ok(terms) => terms,
            Err(error) => {
                tracing::error!(%error, "an approval was not used");
                continue;
            }
        };
        // Looked at under the lock: whoever repeats a question waits for its first answer.
        if terms.asked_by == asked_by
            && let Some(before) = decisions::repeated(work.db(), spend.ask.decision, spend.ask.context).await?
        {
            return Ok(before.map_or(Spent::IdTaken, Spent::Repeated));
        }
        let (context, actions) = (found.context()?, found.actions()?);
        let spendable = Spendable {
            terms: &terms,
            context: &context,
            actions: &actions,
            cancelled_at: found.cancelled_at.map(Into::into),
            revoked_at: found.revoked_at.map(Into::into),
            used: found.used,
        };
        let outcome = match check_grant(&spendable, &call, &standing, &keys, work.now) {
            Ok(outcome) => outcome,
            Err(why) => {
                refused = why;
                continue;
            }
        };
        let record = Record {
            effect: Effect::Allow,
            mode: Mode::Approved,
            context: spend.ask.context.clone(),
            asked_by: Some(asked_by),
            ..spend.ask.decision.clone()
        };
        let duplicates = decisions::append_in(work.db(), std::slice::from_ref(&record)).await?;
        if let Some(duplicate) = duplicates.into_iter().next() {
            work.roll_back().await?;
            return Ok(duplicate.answered.map_or(Spent::IdTaken, Spent::Repeated));
        }
        sqlx::query(
            "update policy_approvals set used = used + 1, last_used_at = now(), last_decision_id = $2 where id = $1",
        )
        .bind(&terms.id)
        .bind(&record.decision_id)
        .execute(work.db())
        .await?;
        let summary = format!("{} was allowed to {} by approval {}", terms.agent, terms.action, terms.id);
        let detail = json!({
            "decision_id": record.decision_id, "first_decision_id": terms.decision_id, "use": found.used + 1,
            "of": outcome.scope.uses(), "bundle": record.bundle, "rule": terms.rule, "rule_digest": terms.rule_digest,
        });
        work.note(EventType::ApprovalUsed, SUBJECT, &terms.id, summary, detail);
        work.commit().await?;
        store.approval_changed();
        return Ok(Spent::Allowed { record: Box::new(record), approval: terms.id });
    }
    work.roll_back().await?;
    Ok(Spent::NotAllowed(refused))
}
