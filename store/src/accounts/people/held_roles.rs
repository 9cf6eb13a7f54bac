//! Who holds which role now, for use cases that count signatures.

use lifecycle::authority::HeldRoles;
use sqlx::PgExecutor;

use crate::{Result, names};

/// The standing of everybody who may sign in, as this transaction sees it.
pub(crate) async fn standing(db: impl PgExecutor<'_>) -> Result<HeldRoles> {
    let rows: Vec<(String, Vec<String>)> =
        sqlx::query_as("select email, roles from people where enabled").fetch_all(db).await?;
    let people = rows.into_iter().map(|(email, roles)| Ok((email, names::roles(&roles)?)));
    Ok(HeldRoles::of(people.collect::<Result<Vec<_>>>()?))
}
