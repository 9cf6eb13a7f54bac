//! Incidents about bundles that are served although nothing proves that they may be.

use sqlx::PgConnection;

use crate::Result;

/// The source of such an incident.
pub(crate) const UNPROVEN_SOURCE: &str = "policy.unproven";

/// The bundles in service about which such an incident was opened since they entered service, and the incident's id.
pub(crate) async fn unproven(db: &mut PgConnection) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as(
        "select distinct on (b.id) b.id, i.id from policy_bundles b
         join incidents i on i.bundle_id = b.id and i.source = $1
         where (b.active or b.state = 'shadow') and i.created_at >= coalesce((select max(c.at)
             from policy_live_changes c where c.bundle_id = b.id), '-infinity')
         order by b.id, i.number desc",
    )
    .bind(UNPROVEN_SOURCE)
    .fetch_all(db)
    .await?)
}
