//! What is live, the safety pause and the emergency switch.

mod pause;
mod switch;
mod trigger;

pub use pause::{Engage, pause, sign_release};
pub(crate) use pause::{releases, tell_ticket};
pub use switch::{disable, enable};

use lifecycle::{
    authority::{Actor, Permission, authorize},
    bundle::Record,
    problem::{Code, Problem},
    rollout,
    system::{Disabled, Pause, System},
};
use policy::bundle::Effect;
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
    pub disabled: Option<Disabled>,
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
        disabled: switches.disabled,
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

/// Checksum of what is served, as a transaction sees it.
pub(crate) async fn serving_checksum(db: &mut PgConnection) -> Result<String> {
    let (stable, canary) = arms(db).await?;
    let stable = stable.as_ref().map(Row::serving).transpose()?;
    let canary = canary.as_ref().map(Row::serving).transpose()?;
    Ok(rollout::serving_checksum(stable.as_ref(), canary.as_ref()))
}

#[derive(sqlx::FromRow)]
struct SwitchesRow {
    enabled: bool,
    bypass_effect: String,
    disabled: Option<Json<Value>>,
    pause: Option<Json<Value>>,
}

impl SwitchesRow {
    fn read(self) -> Result<Switches> {
        Ok(Switches {
            enabled: self.enabled,
            bypass_effect: names::read(&self.bypass_effect)?,
            disabled: self.disabled.map(|off| serde_json::from_value(off.0).map_err(Error::damaged)).transpose()?,
            pause: self.pause.map(|pause| serde_json::from_value(pause.0).map_err(Error::damaged)).transpose()?,
        })
    }
}

/// What is on and what is paused.
pub(crate) async fn switches(db: &mut PgConnection) -> Result<Switches> {
    let row: SwitchesRow =
        sqlx::query_as("select enabled, bypass_effect, disabled, pause from system_state").fetch_one(db).await?;
    row.read()
}

/// The same, for a use case that changes them.
async fn switches_locked(db: &mut PgConnection) -> Result<Switches> {
    let sql = "select enabled, bypass_effect, disabled, pause from system_state for update";
    let row: SwitchesRow = sqlx::query_as(sql).fetch_one(db).await?;
    row.read()
}

/// Refuses while a safety pause is in force. None can begin before the transaction ends.
pub(crate) async fn refuse_when_paused(db: &mut PgConnection) -> Result<()> {
    let sql = "select enabled, bypass_effect, disabled, pause from system_state for share";
    let row: SwitchesRow = sqlx::query_as(sql).fetch_one(db).await?;
    let Some(pause) = row.read()?.pause else { return Ok(()) };
    let detail = format!("{} engaged a safety pause: {}", pause.by, pause.reason);
    Err(Problem::new(Code::Paused, detail)
        .with("reason", pause.reason)
        .with("by", pause.by)
        .with("since", pause.since.to_string())
        .with("ticket", pause.ticket)
        .into())
}

/// Most characters of a text that people write here.
const MAX_TEXT_CHARS: usize = 2000;

/// A text that must be there, without surrounding blanks.
fn written<'a>(pointer: &str, text: &'a str, missing: &str) -> Result<&'a str> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::invalid_field(pointer, missing).into());
    }
    if text.chars().count() > MAX_TEXT_CHARS || text.contains('\0') {
        let detail = format!("has at most {MAX_TEXT_CHARS} characters, none of them U+0000");
        return Err(Problem::invalid_field(pointer, detail).into());
    }
    Ok(text)
}
