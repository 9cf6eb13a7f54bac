//! Whether new powers of people need a safety owner.

use lifecycle::authority::Role;

use crate::{Result, work::Work};

/// How many safety owners there have to be before new powers need one.
const SAFETY_OWNERS: i64 = 2;

/// Whether new powers need a safety owner: since there were two of them for the first time. Taking safety owners away
/// does not end it, or an administrator could do that first.
pub(crate) async fn countersigned(work: &mut Work) -> Result<bool> {
    let owners: i64 = sqlx::query_scalar("select count(*) from people where enabled and $1 = any(roles)")
        .bind(Role::SafetyOwner.name())
        .fetch_one(work.db())
        .await?;
    if owners >= SAFETY_OWNERS {
        sqlx::query("insert into countersigned_since (since) values (now()) on conflict do nothing")
            .execute(work.db())
            .await?;
    }
    Ok(sqlx::query_scalar("select exists (select from countersigned_since)").fetch_one(work.db()).await?)
}
