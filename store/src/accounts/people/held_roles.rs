//! Who holds which role now, for use cases that count signatures.

use lifecycle::authority::HeldRoles;
use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::{Result, names};

/// The standing of everybody who may sign in, as this transaction sees it. People who sign nothing for a while, because
/// their reset link was handed over, hold no role meanwhile.
pub(crate) async fn standing(db: impl PgExecutor<'_>) -> Result<HeldRoles> {
    let rows: Vec<(String, Vec<String>, Option<OffsetDateTime>)> = sqlx::query_as(
        "select email, case when signs_from > now() then '{}' else roles end, signatures_from from people where enabled",
    )
    .fetch_all(db)
    .await?;
    let people = rows.into_iter().map(|(email, roles, from)| Ok((email, names::roles(&roles)?, from.map(Into::into))));
    Ok(HeldRoles::since(people.collect::<Result<Vec<_>>>()?))
}
