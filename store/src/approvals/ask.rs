//! Asking people for approval.

use lifecycle::{
    approval::{Call, Request, Terms},
    audit::EventType,
    authority::{Actor, Credential, Permission, Permit, authorize},
    decision::Record,
    problem::{Code, Problem},
    signing::sign,
};
use policy::bundle::{ApprovalRule, Digest, Effect};
use serde_json::{Map, Value, json};
use std::time::Duration;
use time::OffsetDateTime;

use super::{SUBJECT, row};
use crate::{Error, Result, Store, decisions, json, settings, work::Work};

/// How many requests of one token may wait.
const MAX_WAITING: i64 = 20_000;
/// When to ask again after a refusal, in seconds.
const RETRY_AFTER: u64 = 60;

/// What an agent asks approval for: a decision in the log that was answered `needs_approval`.
#[derive(Debug, Clone, Copy)]
pub struct HeldCall<'a> {
    /// The decision. Its context is not read.
    pub decision: &'a Record,
    /// The arguments.
    pub context: &'a Map<String, Value>,
    /// The person for whom the agent acts.
    pub on_behalf_of: Option<&'a str>,
    /// The session of the agent.
    pub session: Option<&'a str>,
    /// The rule that decided.
    pub rule: &'a ApprovalRule,
}

impl<'a> HeldCall<'a> {
    /// The subject that the asker named: without one, the id of the decision stands for it, and another is made each time.
    pub fn subject(&self) -> Option<&'a str> {
        (self.decision.subject != self.decision.decision_id).then_some(self.decision.subject.as_str())
    }

    /// The call that is asked for by the token with this number.
    pub fn call(&self, asked_by: i64) -> Call<'a> {
        Call {
            asked_by,
            agent: &self.decision.agent,
            action: &self.decision.action,
            subject: self.subject(),
            on_behalf_of: self.on_behalf_of,
            session: self.session,
            context: self.context,
            rule: self.rule,
        }
    }
}

/// The number of the token that the actor came with.
///
/// # Errors
/// `forbidden` for whoever came otherwise: an approval belongs to a token.
pub(super) fn token(actor: &Actor) -> Result<i64> {
    match actor.pass.credential {
        Some(Credential::Token(number)) => Ok(number),
        _ => Err(Error::refused(Code::Forbidden, "only a token asks for approval: an approval belongs to the token")),
    }
}

/// Asks for approval of a decision that was made in this process, or joins the request that already asks for the same and
/// waits.
///
/// # Errors
/// Denied without [`Permission::Evaluate`]; `invalid_field` when the settings want to know for whom the agent acts;
/// `too_many_requests` when too many requests of the token wait.
pub async fn ask(store: &Store, actor: &Actor, ask: &HeldCall<'_>) -> Result<Request> {
    let permit = authorize(actor, Permission::Evaluate)?;
    let asked_by = token(actor)?;
    // Two that ask for the same at once meet at the index; the second then finds the first.
    for _ in 0..3 {
        if let Some(request) = ask_once(store, permit.clone(), asked_by, ask).await? {
            return Ok(request);
        }
    }
    Err(Error::refused(Code::Conflict, "others ask for the same at this moment: ask again"))
}

/// Asks for approval of a decision in the log.
///
/// # Errors
/// As [`ask`]; no such decision of this token; `invalid_transition` when it was not answered `needs_approval`, or when the rule
/// that decided is not in service any more. `rule` finds a rule in service by bundle digest and id.
pub async fn ask_for_decision(
    store: &Store,
    actor: &Actor,
    decision_id: &str,
    (on_behalf_of, session): (Option<&str>, Option<&str>),
    rule: impl Fn(&Record) -> Option<ApprovalRule>,
) -> Result<Request> {
    authorize(actor, Permission::Evaluate)?;
    let asked_by = token(actor)?;
    let found = decisions::find(store, decision_id).await?.filter(|record| record.asked_by == Some(asked_by));
    let record = found.ok_or_else(|| Error::not_found("decision", decision_id))?;
    if record.effect != Effect::NeedsApproval {
        let detail = format!("the decision `{decision_id}` was `{}`: there is nothing to approve", record.effect);
        return Err(Error::refused(Code::InvalidTransition, detail));
    }
    let rule = rule(&record).ok_or_else(|| {
        Error::refused(
            Code::InvalidTransition,
            "no rule in service holds this call for approval now: evaluate it again",
        )
    })?;
    let context = record.context.clone();
    ask(store, actor, &HeldCall { decision: &record, context: &context, on_behalf_of, session, rule: &rule }).await
}

async fn ask_once(store: &Store, permit: Permit, asked_by: i64, ask: &HeldCall<'_>) -> Result<Option<Request>> {
    let mut work = Work::begin(store, permit).await?;
    let settings = settings::load(work.db()).await?.approvals;
    if settings.require_on_behalf_of && ask.on_behalf_of.is_none_or(|person| person.trim().is_empty()) {
        let detail = "is missing: this workspace wants to know for whom an agent acts before people decide";
        return Err(Problem::invalid_field("/on_behalf_of", detail).into());
    }
    let call = ask.call(asked_by);
    let keys = work.keys();
    let (context_key, context_digest) = call.context_digest(&keys);
    let join_key = join_key(&call, &context_key, &context_digest);
    let waiting: Option<(String, OffsetDateTime)> = sqlx::query_as(
        "select id, expires_at from policy_approvals where join_key = $1 and status = 'pending' for update",
    )
    .bind(&join_key)
    .fetch_optional(work.db())
    .await?;
    if let Some((id, expires_at)) = waiting {
        if work.now < expires_at.into() {
            sqlx::query("update policy_approvals set times_asked = times_asked + 1 where id = $1")
                .bind(&id)
                .execute(work.db())
                .await?;
            let request = row::by_id(work.db(), &id).await?.read(&keys, work.now)?;
            work.commit().await?;
            store.approval_changed();
            return Ok(Some(request));
        }
        super::expire::end(&mut work, &id).await?;
    }
    let count: i64 =
        sqlx::query_scalar("select count(*) from policy_approvals where asked_by = $1 and status = 'pending'")
            .bind(asked_by)
            .fetch_one(work.db())
            .await?;
    if count >= MAX_WAITING {
        let detail =
            format!("{MAX_WAITING} requests of this token wait for people: cancel some, or wait until they end");
        return Err(Problem::new(Code::TooManyRequests, detail).with("retry_after_seconds", RETRY_AFTER).into());
    }
    let lifetime = settings.expires_in_of(ask.rule);
    let mut terms = Terms {
        id: format!("apr_{}", uuid::Uuid::now_v7().simple()),
        asked_by,
        agent: call.agent.to_owned(),
        action: call.action.to_owned(),
        subject: call.subject.map(str::to_owned),
        on_behalf_of: call.on_behalf_of.map(str::to_owned),
        session: call.session.map(str::to_owned),
        context_digest,
        context_key,
        unbound: ask.rule.terms.unbound.clone(),
        rule: ask.rule.id.clone(),
        rule_digest: ask.rule.digest.to_string(),
        guardrail: ask.rule.guardrail,
        risk: ask.rule.risk,
        decision_id: ask.decision.decision_id.clone(),
        requested_at: work.now,
        expires_at: work.now.plus(Duration::from_secs(u64::from(lifetime))),
        usable_for: lifetime,
        approvers: settings.approvers_of(ask.rule),
        quorum: settings.quorum_of(ask.rule),
        key_id: String::new(),
        signature: String::new(),
    };
    sign(&keys, &mut terms).map_err(|error| Error::Internal(error.to_string()))?;
    if !insert(&mut work, ask, &terms, &join_key).await? {
        return Ok(None);
    }
    let what = format!("{} asks to {}", terms.agent, terms.action);
    let detail = json!({
        "decision_id": terms.decision_id, "agent": terms.agent, "action": terms.action, "subject": terms.subject,
        "on_behalf_of": terms.on_behalf_of, "rule": terms.rule, "rule_digest": terms.rule_digest,
        "request_digest": terms.digest().map_err(|error| Error::Internal(error.to_string()))?,
        "expires_at": terms.expires_at, "quorum": terms.quorum, "approvers": terms.approvers,
    });
    work.note(EventType::ApprovalRequested, SUBJECT, &terms.id, what, detail);
    let request = row::by_id(work.db(), &terms.id).await?.read(&keys, work.now)?;
    work.commit().await?;
    store.approval_changed();
    Ok(Some(request))
}

/// Inserts a request; false if another one that asks for the same got in between.
async fn insert(work: &mut Work, ask: &HeldCall<'_>, terms: &Terms, join_key: &str) -> Result<bool> {
    let inserted = sqlx::query(
        "insert into policy_approvals (id, terms, context, reason, rule_written, budget, bundle, asked_by, agent, action, rule,
             rule_digest, on_behalf_of, approvers, decision_id, requested_at, expires_at, join_key)
         values ($1, $2::json, $3::json, $4, $5::json, $6::json, $7::json, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         on conflict do nothing",
    )
    .bind(&terms.id)
    .bind(json::text(terms)?)
    .bind(json::text(ask.context)?)
    .bind(&ask.decision.reason)
    .bind(json::text(&ask.rule.written)?)
    .bind(ask.decision.budget.as_ref().map(json::text).transpose()?)
    .bind(ask.decision.bundle.as_ref().map(json::text).transpose()?)
    .bind(terms.asked_by)
    .bind(&terms.agent)
    .bind(&terms.action)
    .bind(&terms.rule)
    .bind(&terms.rule_digest)
    .bind(&terms.on_behalf_of)
    .bind(&terms.approvers)
    .bind(&terms.decision_id)
    .bind(OffsetDateTime::from(terms.requested_at))
    .bind(OffsetDateTime::from(terms.expires_at))
    .bind(join_key)
    .execute(work.db())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Equal for calls that ask for the same.
fn join_key(call: &Call<'_>, context_key: &str, context_digest: &str) -> String {
    let same = json!([
        call.asked_by,
        call.agent,
        call.action,
        call.subject,
        call.on_behalf_of,
        call.session,
        call.rule.id,
        call.rule.digest.as_str(),
        context_key,
        context_digest,
    ]);
    Digest::of(&same).to_string()
}
