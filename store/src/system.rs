//! What is live.

use lifecycle::{
    authority::{Actor, Permission, authorize},
    bundle::{Effect, Record},
    problem::{Code, Problem},
    system::{Pause, System},
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, postgres::PgListener, types::Json};

use crate::{
    Error, Result, Store,
    bundles::row::{COLUMNS, Row},
    names,
};

/// The channel every change of what is live is announced on.
pub const CHANNEL: &str = "countersign_live";

/// What a server needs to answer decisions.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// The bundle at 100 %.
    pub stable: Option<Record>,
    /// The bundle beside it: canary or shadow (0 %).
    pub canary: Option<Record>,
    /// Whether evaluation is on.
    pub enabled: bool,
    /// What is answered while it is off.
    pub bypass_effect: Effect,
    /// Whether a safety pause is in force.
    pub paused: bool,
}

/// The one row of `system_state`.
pub(crate) struct Switches {
    pub enabled: bool,
    pub bypass_effect: Effect,
    pub pause: Option<Pause>,
}

/// What is live, for people.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn get(store: &Store, actor: &Actor) -> Result<System> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    read(&mut db).await
}

/// The same for use cases that show it beside other things.
pub(crate) async fn read(db: &mut PgConnection) -> Result<System> {
    let (stable, canary) = arms(db).await?;
    let switches = switches(db).await?;
    Ok(System {
        enabled: switches.enabled,
        bypass_effect: switches.bypass_effect,
        paused: switches.pause.is_some(),
        pause: switches.pause,
        stable: stable.as_ref().map(Row::serving).transpose()?,
        canary: canary.as_ref().map(Row::serving).transpose()?,
    })
}

/// What is live, for the server that answers decisions. It asks for no actor: a server always knows what it serves.
///
/// # Errors
/// The database failed.
pub async fn live(store: &Store) -> Result<Live> {
    let mut db = store.pool().acquire().await?;
    let (stable, canary) = arms(&mut db).await?;
    let switches = switches(&mut db).await?;
    Ok(Live {
        stable: stable.map(Row::record).transpose()?,
        canary: canary.map(Row::record).transpose()?,
        enabled: switches.enabled,
        bypass_effect: switches.bypass_effect,
        paused: switches.pause.is_some(),
    })
}

/// A text that changes whenever what is live does: cheap to ask every second by a server that may have missed an
/// announcement.
///
/// # Errors
/// The database failed.
pub async fn live_mark(store: &Store) -> Result<String> {
    Ok(sqlx::query_scalar(
        "select concat_ws(';',
             (select string_agg(concat_ws(':', id, revision, canary_pct, active), ',' order by id)
              from policy_bundles where active or state = 'shadow'),
             (select concat_ws(':', enabled, bypass_effect, pause is not null, changed_at) from system_state))",
    )
    .fetch_one(store.pool())
    .await?)
}

/// A listener that hears of every change of what is live.
///
/// # Errors
/// No connection could be made.
pub async fn watch(store: &Store) -> Result<PgListener> {
    let mut listener = PgListener::connect_with(store.pool()).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// Stable, and the canary or shadow beside it, as of one moment.
async fn arms(db: &mut PgConnection) -> Result<(Option<Row>, Option<Row>)> {
    let sql = format!("select {COLUMNS} from policy_bundles where active or state = 'shadow'");
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?;
    let (stable, beside): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.active && row.canary_pct == 100);
    Ok((stable.into_iter().next(), beside.into_iter().next()))
}

/// What is on and what is paused.
pub(crate) async fn switches(db: &mut PgConnection) -> Result<Switches> {
    let (enabled, bypass_effect, pause): (bool, String, Option<Json<Value>>) =
        sqlx::query_as("select enabled, bypass_effect, pause from system_state").fetch_one(db).await?;
    Ok(Switches {
        enabled,
        bypass_effect: names::read(&bypass_effect)?,
        pause: pause.map(|pause| serde_json::from_value(pause.0).map_err(Error::damaged)).transpose()?,
    })
}

/// Refuses while a safety pause is in force.
pub(crate) async fn refuse_when_paused(db: &mut PgConnection) -> Result<()> {
    let Some(pause) = switches(db).await?.pause else { return Ok(()) };
    let detail = format!("{} engaged a safety pause: {}", pause.by, pause.reason);
    Err(Problem::new(Code::Paused, detail)
        .with("reason", pause.reason)
        .with("by", pause.by)
        .with("since", pause.since.to_string())
        .into())
}
