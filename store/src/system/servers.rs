//! Which of the running servers serve what is live now.

use const_format::concatcp;
use serde::{Deserialize, Serialize};

use super::queries::LIVE_MARK;
use crate::{Result, Store};

/// How many of the servers have followed the last change of the live state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Servers {
    /// Servers that run.
    pub known: u64,
    /// Those of them that serve what is live now.
    pub current: u64,
}

/// Says which state this server serves, and returns whether the server is known to the others yet. Takes no actor: a
/// server always may say what it serves.
///
/// # Errors
/// The database failed.
pub async fn report_serving(store: &Store, mark: &str) -> Result<bool> {
    let done = sqlx::query("update server_keys set serving = $2 where instance = $1")
        .bind(store.instance())
        .bind(mark)
        .execute(store.pool())
        .await?;
    Ok(done.rows_affected() > 0)
}

/// The running servers, this one among them. `serves` says whether this one serves what is live now. Takes no actor: it
/// is part of the answer to a change.
///
/// # Errors
/// The database failed.
pub async fn servers(store: &Store, serves: bool) -> Result<Servers> {
    let sql = concatcp!(
        "with live as (select ",
        LIVE_MARK,
        " as mark)
         select count(*), count(*) filter (where s.serving = live.mark) from server_keys s, live
         where s.instance <> $1 and s.seen_at > now() - interval '15 seconds'"
    );
    let (others, current): (i64, i64) = sqlx::query_as(sql).bind(store.instance()).fetch_one(store.pool()).await?;
    Ok(Servers { known: others.unsigned_abs() + 1, current: current.unsigned_abs() + u64::from(serves) })
}
