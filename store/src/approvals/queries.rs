//! Reading requests.

use const_format::concatcp;
use lifecycle::{
    Page,
    approval::{Request, Status},
    authority::{Actor, Permission, authorize},
    problem::Problem,
};
use policy::Timestamp;
use time::OffsetDateTime;

use super::{
    ask::token,
    row::{self, COLUMNS, Row},
};
use crate::{Error, Result, Store, decisions, page, text::storable};

/// Which requests to list.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// Only requests that stand so.
    pub status: Option<Status>,
    /// Only those that wait for this actor: the actor may decide about them, and has not.
    pub waiting_for: Option<&'a Actor>,
    /// Only approvals in force: with uses left, in time, not revoked.
    pub usable: bool,
    /// Only what is over: neither waiting nor in force.
    pub ended: bool,
    /// Only those that this rule held.
    pub rule: Option<String>,
    /// Only those of this agent.
    pub agent: Option<String>,
    /// Maximum number of rows to return.
    pub limit: Option<u32>,
    /// The cursor that came with the previous page.
    pub cursor: Option<String>,
}

/// A condition on requests `r`, shared by several statements: whether they wait for the actor with the email `$1` and the
/// deciding roles `$2`.
pub(crate) const WAITS: &str = "r.status = 'pending' and r.expires_at > now()
     and (r.approvers && $2::text[] or exists (select from unnest(r.approvers) one where lower(one) = lower($1)))
     and (r.on_behalf_of is null or lower(trim(r.on_behalf_of)) <> lower($1))
     and not exists (select from policy_approval_actions a where a.approval_id = r.id and lower(a.actor) = lower($1))";

/// The names of the actor's roles that decide about requests.
pub(crate) fn deciding_roles(actor: &Actor) -> Vec<String> {
    let deciding = Permission::DecideApprovals.roles();
    actor.roles.iter().filter(|role| deciding.contains(role)).map(|role| role.name().to_owned()).collect()
}

/// Whose requests an actor reads: everybody's, or those of a token.
fn readable(actor: &Actor) -> Result<Option<i64>> {
    authorize(actor, Permission::ReadApprovals)?;
    if actor.may(Permission::Read) { Ok(None) } else { token(actor).map(Some) }
}

/// Requests with what was reported about their latest use, newest first. A program sees its own only.
///
/// # Errors
/// Denied without [`Permission::ReadApprovals`]; a malformed cursor or limit.
pub async fn list(store: &Store, actor: &Actor, filter: &Filter<'_>) -> Result<Page<Request>> {
    let asked_by = readable(actor)?;
    let limit = page::limit(filter.limit)?;
    let before = filter.cursor.as_deref().map(cursor).transpose()?;
    if filter.waiting_for.is_some_and(|actor| !actor.may(Permission::DecideApprovals)) {
        return Ok(Page::default());
    }
    let sql = concatcp!(
        "select ",
        COLUMNS,
        " from policy_approvals r
         where ($1::text is null or (",
        WAITS,
        ")) and ($3::timestamptz is null or (r.requested_at, r.id) < ($3, $4))
             and ($5::text is null or case when r.status = 'pending' and r.expires_at <= now() then 'expired' else r.status end = $5)
             and ($6::bigint is null or r.asked_by = $6)
             and (not $7 or (r.status = 'approved' and r.usable_until > now() and r.revoked_at is null and r.used < r.uses))
             and (not $11 or not (r.status = 'pending' and r.expires_at > now())
                 and not coalesce(r.status = 'approved' and r.usable_until > now() and r.revoked_at is null
                     and r.used < r.uses, false))
             and ($8::text is null or r.rule = $8) and ($9::text is null or r.agent = $9)
         order by r.requested_at desc, r.id desc limit $10"
    );
    let rows: Vec<Row> = sqlx::query_as(sql)
        .bind(filter.waiting_for.map(|actor| actor.name.as_str()))
        .bind(filter.waiting_for.map(deciding_roles).unwrap_or_default())
        .bind(before.as_ref().map(|(at, _)| *at))
        .bind(before.as_ref().map(|(_, id)| id.as_str()))
        .bind(filter.status.map(Status::name))
        .bind(asked_by)
        .bind(filter.usable)
        .bind(filter.rule.as_deref().map(|rule| storable(rule).into_owned()))
        .bind(filter.agent.as_deref().map(|agent| storable(agent).into_owned()))
        .bind(limit + 1)
        .bind(filter.ended)
        .fetch_all(store.pool())
        .await?;
    let now = now(store).await?;
    let keys = store.keys();
    let place = |row: &Row| format!("{}~{}", Timestamp::from(row.requested_at), row.id);
    let read = page::page(rows, limit, place, |row| match row.read(&keys, now) {
        // What was changed in the database counts for nothing, and hides nothing else.
        Err(Error::Refused(problem)) => {
            tracing::error!(detail = problem.detail, "an approval request is left out of a list");
            Ok(None)
        }
        read => read.map(Some),
    })?;
    let mut page = Page { items: read.items.into_iter().flatten().collect::<Vec<_>>(), next_cursor: read.next_cursor };
    let used: Vec<&str> =
        page.items.iter().filter_map(|request| Some(request.last_use.as_ref()?.decision_id.as_str())).collect();
    if !used.is_empty() {
        let mut outcomes = decisions::reported(store, &used).await?;
        for last in page.items.iter_mut().filter_map(|request| request.last_use.as_mut()) {
            last.outcome = outcomes.remove(&last.decision_id);
        }
    }
    Ok(page)
}

/// One request, with what was reported about its latest use. A program sees its own only.
///
/// # Errors
/// Denied without [`Permission::ReadApprovals`]; no such request.
pub async fn get(store: &Store, actor: &Actor, id: &str) -> Result<Request> {
    let asked_by = readable(actor)?;
    let now = now(store).await?;
    let mut db = store.pool().acquire().await?;
    let mut request = row::by_id(&mut db, id).await?.read(&store.keys(), now)?;
    if asked_by.is_some_and(|token| token != request.terms.asked_by) {
        return Err(Error::not_found("approval request", id));
    }
    drop(db);
    if let Some(last) = &mut request.last_use {
        last.outcome = decisions::reported(store, &[&last.decision_id]).await?.remove(&last.decision_id);
    }
    Ok(request)
}

/// Grows whenever a request is made, joined, decided, used or ended: for who waits for changes.
///
/// # Errors
/// The database failed.
pub async fn version(store: &Store) -> Result<i64> {
    Ok(sqlx::query_scalar("select last_value from policy_approval_changes").fetch_one(store.pool()).await?)
}

/// The request that a decision led to, or whose approval it used, if any.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn request_of(store: &Store, actor: &Actor, decision_id: &str) -> Result<Option<String>> {
    authorize(actor, Permission::Read)?;
    Ok(sqlx::query_scalar("select id from policy_approvals where decision_id = $1 or last_decision_id = $1 limit 1")
        .bind(decision_id.replace('\0', ""))
        .fetch_optional(store.pool())
        .await?)
}

async fn now(store: &Store) -> Result<Timestamp> {
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(store.pool()).await?;
    Ok(now.into())
}

fn cursor(text: &str) -> Result<(OffsetDateTime, String)> {
    let malformed = || Error::from(Problem::invalid_field("/cursor", format!("`{text}` is not a cursor of this list")));
    let (at, id) = text.split_once('~').ok_or_else(malformed)?;
    let at: Timestamp = at.parse().map_err(|_| malformed())?;
    Ok((at.into(), storable(id).into_owned()))
}
