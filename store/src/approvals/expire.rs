//! Requests whose time ran out.

use lifecycle::{
    approval::{Scope, Status},
    audit::EventType,
    authority::{Actor, Permission, Role, Via, authorize},
};
use serde_json::json;

use super::{SUBJECT, row};
use crate::{Result, Store, work::Work};

/// How many requests end in one transaction.
const BATCH: i64 = 200;

/// Ends the requests whose time ran out without an answer; returns how many. They have counted as expired since then.
///
/// # Errors
/// The database failed.
pub async fn expire(store: &Store) -> Result<usize> {
    let system = Actor::new("system", [Role::Admin].into(), Via::Job);
    let mut ended = 0;
    loop {
        let mut work = Work::begin(store, authorize(&system, Permission::Administer)?).await?;
        let due: Vec<String> = sqlx::query_scalar(
            "select id from policy_approvals where status = 'pending' and expires_at <= now()
             order by expires_at limit $1 for update skip locked",
        )
        .bind(BATCH)
        .fetch_all(work.db())
        .await?;
        if due.is_empty() {
            return Ok(ended);
        }
        for id in &due {
            end(&mut work, id).await?;
        }
        work.commit().await?;
        store.approval_changed();
        ended += due.len();
    }
}

/// Ends one request whose time ran out; the row is locked.
pub(super) async fn end(work: &mut Work, id: &str) -> Result<()> {
    let terms = row::by_id(work.db(), id).await?.terms()?;
    row::end(work.db(), id, Status::Expired, (terms.expires_at, None), &Scope::default()).await?;
    let summary = format!("nobody answered {}, which asked to {}", terms.agent, terms.action);
    work.note(EventType::ApprovalExpired, SUBJECT, id, summary, json!({"expired_at": terms.expires_at, "rule": terms.rule}));
    Ok(())
}
