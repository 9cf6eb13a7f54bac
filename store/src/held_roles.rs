//! Who holds which role now, for use cases that count signatures.

use lifecycle::{
    authority::{HeldRoles, Permission},
    problem::Code,
};
use policy::Timestamp;
use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::{Error, Result, names, work::Work};

/// The standing of everybody who may sign in, as this transaction sees it. People who sign nothing for a while, because
/// a link to their account was handed over, hold no role meanwhile.
pub(crate) async fn standing(db: impl PgExecutor<'_>) -> Result<HeldRoles> {
    let rows: Vec<(String, Vec<String>, Option<OffsetDateTime>)> = sqlx::query_as(
        "select email, case when signs_from > now() then '{}' else roles end, signatures_from from people where enabled",
    )
    .fetch_all(db)
    .await?;
    let people = rows.into_iter().map(|(email, roles, from)| Ok((email, names::roles(&roles)?, from.map(Into::into))));
    Ok(HeldRoles::since(people.collect::<Result<Vec<_>>>()?))
}

/// Refuses to accept what `proposer` proposed at `at`, unless that administrator still is one and the account was not
/// handed over since: a proposal is the first of two signatures. A proposer on the host has no account, and could
/// change the database anyway.
pub(crate) async fn require_proposer(work: &mut Work, proposer: &str, at: Timestamp) -> Result<()> {
    // Locked, so that the account stays as it is until this transaction ends.
    let account: Option<i64> = sqlx::query_scalar("select id from people where email = $1 for share")
        .bind(proposer)
        .fetch_optional(work.db())
        .await?;
    let standing = standing(work.db()).await?;
    if account.is_none() || !standing.held(proposer, Permission::Administer.roles(), at).is_empty() {
        return Ok(());
    }
    let detail = format!(
        "{proposer}, who proposed this, is no administrator who signs now, or the account was handed over since: reject \
         the proposal, and let an administrator propose it again"
    );
    Err(Error::refused(Code::Conflict, detail))
}
