//! Incidents that the program opens about what nothing proves. Nobody else opens one: its source is reserved, and one counts
//! only with the sealed entry of its opening.

use const_format::concatcp;
use lifecycle::audit::{SealCheck, check_seal};
use serde_json::Value;
use sqlx::PgConnection;

use crate::{
    Result,
    audit::row::{COLUMNS, Row},
    work::Work,
};

/// The source of an incident about a bundle that is served although nothing proves that it may be.
pub(crate) const UNPROVEN_SOURCE: &str = "policy.unproven";

/// The source of an incident about changes without an entry of the audit record.
pub(crate) const UNAUDITED_SOURCE: &str = "policy.unaudited";

/// The source of an incident about a key that is missing.
pub(crate) const MISSING_KEY_SOURCE: &str = "policy.missing_key";

/// The sources that only the program gives.
pub(super) const RESERVED_SOURCES: [&str; 3] = [UNPROVEN_SOURCE, UNAUDITED_SOURCE, MISSING_KEY_SOURCE];

/// The bundles in service about which such an incident was opened since they entered service, and the incident's id.
pub(crate) async fn unproven(db: &mut PgConnection) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as(
        "select distinct on (b.id) b.id, i.id from policy_bundles b
         join incidents i on i.bundle_id = b.id and i.source = $1 and i.created_by = 'system'
         where (b.active or b.state = 'shadow') and i.created_at >= coalesce((select max(c.at)
             from policy_live_changes c where c.bundle_id = b.id), '-infinity')
         order by b.id, i.number desc",
    )
    .bind(UNPROVEN_SOURCE)
    .fetch_all(db)
    .await?)
}

/// Whether the program opened an incident with this source and title. A row that SQL inserted does not count: it has no
/// sealed entry.
pub(crate) async fn opened_by_system(work: &mut Work, source: &str, title: &str) -> Result<bool> {
    let ids: Vec<String> =
        sqlx::query_scalar("select id from incidents where source = $1 and title = $2 order by number limit 20")
            .bind(source)
            .bind(title)
            .fetch_all(work.db())
            .await?;
    for id in ids {
        if is_genuine(work, &id).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the program opened the incident with this id.
pub(crate) async fn is_genuine(work: &mut Work, id: &str) -> Result<bool> {
    let keys = work.keys();
    let rows: Vec<Row> = sqlx::query_as(concatcp!(
        "select ",
        COLUMNS,
        " from policy_lifecycle_audit where subject_type = 'incident' and subject_id = $1 and event_type = 'incident_opened'
         order by seq limit 20"
    ))
    .bind(id)
    .fetch_all(work.db())
    .await?;
    Ok(rows.into_iter().map(Row::members).any(|entry| {
        entry.get("actor").and_then(Value::as_str) == Some("system")
            && matches!(check_seal(&keys, &entry), SealCheck::Genuine(_))
    }))
}
