//! Reading the KPIs: the results of the SQL views, and their trend.

use std::time::Duration;

use lifecycle::{
    authority::{Actor, Permission, authorize},
    kpi::{self, Candidate, Event, Summary, WINDOW, event::COUNTED_EVENT_TYPES},
};
use policy::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sqlx::types::Json;
use time::OffsetDateTime;

use crate::{Error, Result, Store};

/// The KPIs of the 30 days before `as_of`, or before now.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn summary(store: &Store, actor: &Actor, as_of: Option<Timestamp>) -> Result<Summary> {
    authorize(actor, Permission::Read)?;
    let row: Json<Value> = sqlx::query_scalar("select row_to_json(s) from clo_kpi_summary_at(coalesce($1, now())) s")
        .bind(as_of.map(OffsetDateTime::from))
        .fetch_one(store.pool())
        .await?;
    read(row)
}

/// The values that each candidate's packet projected, and those that were realized, the largest gap first.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn detail(store: &Store, actor: &Actor, as_of: Option<Timestamp>) -> Result<Vec<Candidate>> {
    authorize(actor, Permission::Read)?;
    let rows: Vec<Json<Value>> = sqlx::query_scalar(
        "select row_to_json(d) from clo_kpi_projected_vs_realized_detail_at(coalesce($1, now())) d
         order by abs(margin_gap_bps) desc nulls last, candidate_id",
    )
    .bind(as_of.map(OffsetDateTime::from))
    .fetch_all(store.pool())
    .await?;
    rows.into_iter().map(read).collect()
}

/// The KPIs as of the end of each of the last `days` days, oldest first.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn trend(store: &Store, actor: &Actor, days: u32) -> Result<Vec<Summary>> {
    authorize(actor, Permission::Read)?;
    let as_of: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(store.pool()).await?;
    let as_of = Timestamp::from(as_of);
    // A packet may be decided on, and a bundle applied, long after it was built.
    let reach = WINDOW * 2 + Duration::from_secs(u64::from(days) * 86_400);
    let events = events(store, as_of.minus(reach)).await?;
    Ok(kpi::trend(&events, as_of, days))
}

/// The audit entries that the KPIs are counted from.
async fn events(store: &Store, since: Timestamp) -> Result<Vec<Event>> {
    type Row = (i64, OffsetDateTime, String, String, Json<Map<String, Value>>);
    let rows: Vec<Row> = sqlx::query_as(
        "select seq, at, event_type, subject_id, detail from policy_lifecycle_audit
         where at >= $1 and event_type = any($2) order by seq",
    )
    .bind(OffsetDateTime::from(since))
    .bind(&COUNTED_EVENT_TYPES[..])
    .fetch_all(store.pool())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(seq, at, event_type, subject_id, detail)| {
            let entry = json!({
                "seq": seq, "at": Timestamp::from(at), "event_type": event_type, "subject_id": subject_id,
                "detail": detail.0,
            });
            Event::from_audit_entry(entry.as_object()?)
        })
        .collect())
}

fn read<T: DeserializeOwned>(row: Json<Value>) -> Result<T> {
    serde_json::from_value(row.0).map_err(|error| Error::damaged(format!("a row of key figures: {error}")))
}
