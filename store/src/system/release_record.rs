//! The signed records of safety pauses that are over.

use lifecycle::system::ReleaseRecord;
use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;

use crate::{Error, Result, json, work::Work};

/// Stores the signed record of a pause that is over; returns its number.
pub(super) async fn store_release(work: &mut Work, record: &ReleaseRecord) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "insert into policy_release_record (record, paused_at, released_at) values ($1::json, $2, $3) returning id",
    )
    .bind(json::text(record)?)
    .bind(OffsetDateTime::from(record.paused_at))
    .bind(OffsetDateTime::from(record.released_at))
    .fetch_one(work.db())
    .await?)
}

/// The records of the newest pauses that are over.
pub(crate) async fn releases(db: &mut PgConnection, limit: i64) -> Result<Vec<ReleaseRecord>> {
    let rows: Vec<(i64, Json<Value>)> =
        sqlx::query_as("select id, record from policy_release_record order by id desc limit $1")
            .bind(limit)
            .fetch_all(db)
            .await?;
    rows.into_iter()
        .map(|(id, record)| {
            let record: ReleaseRecord =
                serde_json::from_value(record.0).map_err(|error| Error::damaged(format!("release {id}: {error}")))?;
            Ok(ReleaseRecord { id, ..record })
        })
        .collect()
}
