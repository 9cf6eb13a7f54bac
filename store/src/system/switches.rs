//! The one row of `system_state`: whether evaluation is on, and the safety pause.

use const_format::concatcp;
use lifecycle::{
    problem::{Code, Problem},
    system::{Disabled, Pause},
};
use policy::bundle::Effect;
use serde_json::Value;
use sqlx::{PgConnection, types::Json};

use crate::{Error, Result, held_roles, names};

/// The emergency switch and the safety pause.
pub(crate) struct Switches {
    pub enabled: bool,
    pub bypass_effect: Effect,
    pub disabled: Option<Disabled>,
    pub pause: Option<Pause>,
}

/// Reads the [`SwitchesRow`].
const SELECT: &str = "select enabled, bypass_effect, disabled, pause from system_state";

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

/// The switches as they are.
pub(crate) async fn switches(db: &mut PgConnection) -> Result<Switches> {
    let row: SwitchesRow = sqlx::query_as(SELECT).fetch_one(db).await?;
    row.read()
}

/// The switches as people are shown them: the pause with the release signatures that still count.
pub(crate) async fn switches_now(db: &mut PgConnection) -> Result<Switches> {
    let switches = switches(db).await?;
    let Some(pause) = switches.pause else { return Ok(switches) };
    let standing = held_roles::standing(db).await?;
    Ok(Switches { pause: Some(pause.as_of(&standing)), ..switches })
}

/// The switches, locked until the transaction ends.
pub(super) async fn switches_locked(db: &mut PgConnection) -> Result<Switches> {
    let row: SwitchesRow = sqlx::query_as(concatcp!(SELECT, " for update")).fetch_one(db).await?;
    row.read()
}

/// Refuses while a safety pause is in force. No pause can begin before the transaction ends.
pub(crate) async fn refuse_when_paused(db: &mut PgConnection) -> Result<()> {
    let row: SwitchesRow = sqlx::query_as(concatcp!(SELECT, " for share")).fetch_one(db).await?;
    let Some(pause) = row.read()?.pause else { return Ok(()) };
    let detail = format!("{} engaged a safety pause: {}", pause.by, pause.reason);
    Err(Problem::new(Code::Paused, detail)
        .with("reason", pause.reason)
        .with("by", pause.by)
        .with("since", pause.since.to_string())
        .with("ticket", pause.ticket)
        .into())
}
