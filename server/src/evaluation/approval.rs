//! The end of an evaluation: it is logged, and where a rule holds the call for approval, an approval is used or people are
//! asked.

use std::{borrow::Cow, sync::Arc, time::Duration};

use lifecycle::{
    approval::{NotAllowed, Request},
    authority::Actor,
    decision::{Mode, Record},
    problem::Problem,
};
use policy::{
    bundle::{Effect, approval::ApprovalRule},
    engine::Status,
};
use store::approvals::{HeldCall, Spend, Spent};
use tokio::time::timeout;

use super::{
    not_logged::NotLogged,
    pending_decision::PendingDecision,
    request_tree::Wants,
    response::{ApprovalAnswer, Refused},
    service::EvaluationService,
    serving::Serving,
};

/// How long the database may take over an approval.
const PATIENCE: Duration = Duration::from_secs(3);

/// An evaluation that is over.
#[derive(Debug)]
pub struct Concluded {
    /// The decision in the log.
    pub logged: Arc<PendingDecision>,
    /// Where an approval stands.
    pub approval: Option<ApprovalAnswer>,
}

impl Concluded {
    fn with(logged: Arc<PendingDecision>, approval: Option<ApprovalAnswer>) -> Self {
        Self { logged, approval }
    }
}

/// Logs a decision of `actor`. Where a rule holds the call, uses the approval that the caller names, or one in force whose
/// scope covers the call; without one, asks people if the caller wants that.
///
/// # Errors
/// The decision cannot be logged; people cannot be asked for a reason that the caller can do something about.
pub async fn conclude(
    service: &EvaluationService,
    actor: &Actor,
    pending: PendingDecision,
    wants: &Wants,
    serving: &Serving,
) -> Result<Concluded, Problem> {
    let held = pending.record.effect == Effect::NeedsApproval && pending.record.mode == Mode::Normal;
    if !held || !wants.anything() {
        return Ok(Concluded::with(append(service, pending).await?, None));
    }
    let rule = serving.held_by(&pending.record).filter(|_| pending.record.status == Status::Matched);
    let Some(rule) = rule else {
        let refused =
            refuse("approval_impossible", "No rule holds this call, so there is nothing that people could approve.");
        return Ok(Concluded::with(append(service, pending).await?, Some(refused)));
    };
    // The wait for a turn is not the database's.
    let _turn = service.approval_turn().await;
    let record = pending.to_record().map_err(unreadable)?.into_owned();
    let mut answer = None;
    match use_approval(service, actor, &record, wants, rule).await {
        Use::Allowed(concluded) => return Ok(*concluded),
        Use::IdTaken => return Err(NotLogged::IdTaken { decision_id: record.decision_id }.into()),
        Use::Not(None) => {}
        Use::Not(Some(why)) => {
            let id = wants.approval.clone().filter(|_| why != NotAllowed::Unknown);
            answer = Some(ApprovalAnswer { id, ..refuse(why.code(), &why.detail()) });
        }
        Use::Unavailable if wants.approval.is_some() => {
            return deny(service, pending, wants).await;
        }
        Use::Unavailable => {}
    }
    let logged = append(service, pending).await?;
    if wants.request_approval && logged.record.effect == Effect::NeedsApproval {
        let refused = answer.and_then(|answer: ApprovalAnswer| answer.refused);
        answer = Some(ask(service, actor, &logged, wants, rule, refused).await?);
    }
    Ok(Concluded::with(logged, answer))
}

/// What came of using an approval.
enum Use {
    Allowed(Box<Concluded>),
    IdTaken,
    /// No approval allows the call; why not, if the caller named one.
    Not(Option<NotAllowed>),
    /// Whether an approval allows the call cannot be found out, or not recorded at once.
    Unavailable,
}

async fn use_approval(
    service: &EvaluationService,
    actor: &Actor,
    record: &Record,
    wants: &Wants,
    rule: &ApprovalRule,
) -> Use {
    // An approval counts its use in the transaction that records the decision: a log that answers before cannot.
    if service.log.is_buffered() || service.log.is_buffering() {
        return Use::Unavailable;
    }
    let about = ask_about(record, wants, rule);
    let spend = Spend { ask: about, approval: wants.approval.as_deref() };
    let store = service.store();
    match timeout(PATIENCE, store::approvals::spend(store, actor, &spend)).await {
        Ok(Ok(Spent::Allowed { record, approval })) => {
            let answer = ApprovalAnswer {
                status: Some(lifecycle::approval::Status::Approved),
                status_url: Some(status_url(&approval)),
                id: Some(approval),
                expires_at: None,
                refused: None,
            };
            Use::Allowed(Box::new(Concluded::with(Arc::new(PendingDecision::from(*record)), Some(answer))))
        }
        Ok(Ok(Spent::Repeated(before))) => {
            Use::Allowed(Box::new(Concluded::with(Arc::new(PendingDecision::from(*before)), None)))
        }
        Ok(Ok(Spent::IdTaken)) => Use::IdTaken,
        Ok(Ok(Spent::NotAllowed(why))) => Use::Not(wants.approval.as_ref().map(|_| why)),
        Ok(Err(error)) => {
            tracing::warn!(%error, "whether an approval allows a call cannot be found out");
            Use::Unavailable
        }
        Err(_) => {
            tracing::warn!("whether an approval allows a call was not found out within {PATIENCE:?}");
            Use::Unavailable
        }
    }
}

/// Denies a call whose approval cannot be used now. If it was used after all, the log has the answer under the same id.
async fn deny(service: &EvaluationService, pending: PendingDecision, wants: &Wants) -> Result<Concluded, Problem> {
    let detail = "Whether this approval allows the call cannot be recorded now, so it does not: try again.";
    let mut pending = pending;
    pending.record.effect = Effect::Deny;
    pending.record.reason = detail.to_owned();
    let logged = append(service, pending).await?;
    let refused = ApprovalAnswer { id: wants.approval.clone(), ..refuse("approval_unavailable", detail) };
    let answer = (logged.record.effect != Effect::Allow).then_some(refused);
    Ok(Concluded::with(logged, answer))
}

/// Asks people about a decision that is logged. `refused` says why an approval that was named does not count.
async fn ask(
    service: &EvaluationService,
    actor: &Actor,
    logged: &PendingDecision,
    wants: &Wants,
    rule: &ApprovalRule,
    refused: Option<Refused>,
) -> Result<ApprovalAnswer, Problem> {
    let record: Cow<'_, Record> = logged.to_record().map_err(unreadable)?;
    if record.mode != Mode::Normal {
        return Ok(unavailable());
    }
    let about = ask_about(&record, wants, rule);
    let asked = store::approvals::ask(service.store(), actor, &about);
    match timeout(PATIENCE, asked).await {
        Ok(Ok(request)) => Ok(ApprovalAnswer { refused, ..answer_of(&request) }),
        Ok(Err(store::Error::Refused(problem))) => Err(*problem),
        Ok(Err(error)) => {
            tracing::warn!(%error, "people cannot be asked for approval");
            Ok(unavailable())
        }
        Err(_) => Ok(unavailable()),
    }
}

fn ask_about<'a>(record: &'a Record, wants: &'a Wants, rule: &'a ApprovalRule) -> HeldCall<'a> {
    HeldCall {
        decision: record,
        context: &record.context,
        on_behalf_of: wants.on_behalf_of.as_deref(),
        session: wants.session.as_deref(),
        rule,
    }
}

/// Where a request stands, for the asker.
fn answer_of(request: &Request) -> ApprovalAnswer {
    ApprovalAnswer {
        id: Some(request.terms.id.clone()),
        status: Some(request.status),
        status_url: Some(status_url(&request.terms.id)),
        expires_at: Some(request.terms.expires_at),
        refused: None,
    }
}

fn status_url(id: &str) -> String {
    format!("/policy/approvals/{id}")
}

fn refuse(code: &'static str, detail: &str) -> ApprovalAnswer {
    let refused = Some(Refused { code, detail: detail.to_owned() });
    ApprovalAnswer { id: None, status: None, status_url: None, expires_at: None, refused }
}

fn unavailable() -> ApprovalAnswer {
    refuse("approval_unavailable", "People cannot be asked now: try again with the same decision_id.")
}

async fn append(service: &EvaluationService, pending: PendingDecision) -> Result<Arc<PendingDecision>, Problem> {
    service.log.append(pending).await.map_err(Problem::from)
}

fn unreadable(error: serde_json::Error) -> Problem {
    tracing::error!(%error, "the context of a decision cannot be read");
    Problem::new(lifecycle::problem::Code::Internal, "something went wrong on the server; its log has the details")
}
