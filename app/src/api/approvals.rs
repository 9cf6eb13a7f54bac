//! Approval requests for the pages.

use leptos::prelude::*;
use lifecycle::approval::{Status, Verdict};
#[cfg(feature = "ssr")]
use lifecycle::{
    approval::{Request, Scope, ScopeKind, as_rule},
    authority::{Actor, Permission, authorize},
    problem::{Code, Problem},
};
#[cfg(feature = "ssr")]
use policy::bundle::Source;
#[cfg(feature = "ssr")]
use store::{Store, approvals::Filter};

use super::approval_view::{ApprovalDetail, ApprovalList};
#[cfg(feature = "ssr")]
use super::{
    approval_view::{ApprovalGroup, ApprovalRow},
    workspace::number,
};
use crate::error::{AppError, Reply};

/// When more than this many requests wait for one person, they are listed by rule and agent.
#[cfg(feature = "ssr")]
const FLOOD: usize = 50;
/// How many requests are listed of what is over.
#[cfg(feature = "ssr")]
const ENDED_SHOWN: u32 = 30;

/// The requests that wait, the approvals in force, and what ended. With `rule` and `agent`, only what waits of them.
#[server(prefix = "/api", endpoint = "approvals/list", output = Reply)]
pub async fn list_approvals(
    #[server(default)] rule: String,
    #[server(default)] agent: String,
) -> Result<ApprovalList, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    authorize(&me, Permission::Read).map_err(store::Error::from)?;
    let as_of = crate::context::now();
    let rows = async |filter: Filter<'_>| -> Result<(Vec<ApprovalRow>, bool), AppError> {
        let page = store::approvals::list(&store, &me, &filter).await?;
        let more = page.next_cursor.is_some();
        Ok((page.items.iter().map(|request| ApprovalRow::new(request, &me, as_of)).collect(), more))
    };
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    let (rule, agent) = (text(rule), text(agent));
    let is_narrowed = rule.is_some() || agent.is_some();
    let pending = Filter { status: Some(Status::Pending), rule, agent, limit: Some(100), ..Filter::default() };
    let (mut waiting, more) = rows(pending).await?;
    waiting.sort_by_key(|row| (!row.yours, row.expires_at));
    let mut groups = Vec::new();
    if !is_narrowed && waiting.iter().filter(|row| row.yours).count() > FLOOD {
        waiting.retain(|row| !row.yours);
        groups = store::approvals::groups(&store, &me).await?;
    }
    Ok(ApprovalList {
        waiting,
        groups: groups.into_iter().map(ApprovalGroup::from).collect(),
        more,
        in_force: rows(Filter { usable: true, limit: Some(100), ..Filter::default() }).await?.0,
        ended: rows(Filter { ended: true, limit: Some(ENDED_SHOWN), ..Filter::default() }).await?.0,
        may_decide: me.may(Permission::DecideApprovals),
        as_of,
    })
}

/// One request; without an id, the one that waits for the caller and expires first, if any does.
#[server(prefix = "/api", endpoint = "approvals/get", output = Reply)]
pub async fn get_approval(#[server(default)] id: String) -> Result<Option<ApprovalDetail>, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    authorize(&me, Permission::Read).map_err(store::Error::from)?;
    let id = if id.is_empty() { first_waiting(&store, &me).await? } else { Some(id) };
    let Some(id) = id else { return Ok(None) };
    let request = store::approvals::get(&store, &me, &id).await?;
    let about = (request.terms.rule.as_str(), request.terms.agent.as_str());
    let similar = store::approvals::similar(&store, &me, about).await?;
    Ok(Some(ApprovalDetail::new(request, similar.into(), &me, crate::context::now())))
}

/// Approves or denies a call; returns where the request stands then. `scope` is `once`, `session`, `until`, or `same` for
/// what the first approval chose; `hours` and `uses` limit a session and a time.
#[server(prefix = "/api", endpoint = "approvals/act", output = Reply)]
pub async fn act_on_approval(
    id: String,
    decision: Verdict,
    #[server(default)] reason: String,
    #[server(default)] scope: String,
    #[server(default)] hours: String,
    #[server(default)] uses: String,
) -> Result<Status, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    authorize(&me, Permission::DecideApprovals).map_err(store::Error::from)?;
    let scope = match scope.as_str() {
        "" | "once" => Scope::default(),
        "same" => first_scope(&store::approvals::get(&store, &me, &id).await?),
        "session" => limited(ScopeKind::Session, &hours, &uses)?,
        "until" => limited(ScopeKind::Until, &hours, &uses)?,
        other => return Err(Problem::invalid_field("/scope", format!("`{other}` is not one of the choices")).into()),
    };
    let reason = Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty());
    let decision = store::approvals::Decision { verdict: decision, reason, scope };
    Ok(store::approvals::act(&store, &me, &id, decision).await?.status)
}

/// Makes a draft of the stable bundle with a rule that allows the call, so that people need not be asked again; returns the
/// draft's id.
#[server(prefix = "/api", endpoint = "approvals/make-rule", output = Reply)]
pub async fn make_rule_of_approval(id: String) -> Result<i64, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    authorize(&me, Permission::EditDrafts).map_err(store::Error::from)?;
    let request = store::approvals::get(&store, &me, &id).await?;
    let Some(stable) = super::bundles::stable(&store, &me).await? else {
        return Err(
            Problem::new(Code::InvalidTransition, "no bundle is stable: there is nothing to add a rule to").into()
        );
    };
    let base_version = Some(stable.version.clone());
    let mut source = Source { version: None, base_version, ..Source::from(stable) };
    let rule = {
        let taken: Vec<&str> = source.rules.iter().filter_map(|rule| rule.get("id")?.as_str()).collect();
        as_rule(&request, &taken).map_err(|why| Problem::new(Code::InvalidTransition, why.to_string()))?
    };
    source.rules.push(rule);
    Ok(store::bundles::create(&store, &me, source).await?.id)
}

/// Revokes an approval: it allows nothing more.
#[server(prefix = "/api", endpoint = "approvals/revoke", output = Reply)]
pub async fn revoke_approval(id: String) -> Result<(), AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    store::approvals::revoke(&store, &me, &id).await?;
    Ok(())
}

#[cfg(feature = "ssr")]
async fn first_waiting(store: &Store, me: &Actor) -> Result<Option<String>, AppError> {
    let mine = Filter { waiting_for: Some(me), limit: Some(100), ..Filter::default() };
    let waiting = store::approvals::list(store, me, &mine).await?.items;
    Ok(waiting.into_iter().min_by_key(|request| request.terms.expires_at).map(|request| request.terms.id))
}

/// What the first who approved chose.
#[cfg(feature = "ssr")]
fn first_scope(request: &Request) -> Scope {
    let first = request.actions.iter().find(|action| action.decision == Verdict::Approve);
    first.map(|action| action.scope.clone()).unwrap_or_default()
}

/// A scope that ends in `hours`, after `uses`.
#[cfg(feature = "ssr")]
fn limited(kind: ScopeKind, hours: &str, uses: &str) -> Result<Scope, AppError> {
    let seconds = match hours {
        "1" => 3600,
        "4" => 4 * 3600,
        // A minute less than a day: the clock of the database, which decides, may be behind.
        "24" => 24 * 3600 - 60,
        _ => return Err(Problem::invalid_field("/hours", format!("`{hours}` is not one of the choices")).into()),
    };
    let until = crate::context::now().plus(std::time::Duration::from_secs(seconds));
    Ok(Scope { kind, until: Some(until), count: Some(number("uses", uses)?), conditions: None })
}
