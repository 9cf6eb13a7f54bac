//! The bundles in service, as a transaction sees them.

use const_format::concatcp;
use lifecycle::{rollout, system::System};
use sqlx::PgConnection;

use super::switches::switches_now;
use crate::{
    Result,
    bundles::row::{COLUMNS, Row},
};

/// The live state, including whether evaluation is off or rollouts are paused.
pub(crate) async fn read(db: &mut PgConnection) -> Result<System> {
    let (stable, canary) = arms(db).await?;
    let switches = switches_now(db).await?;
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

/// Stable, and the canary or shadow, as of one moment.
pub(super) async fn arms(db: &mut PgConnection) -> Result<(Option<Row>, Option<Row>)> {
    let sql = concatcp!("select ", COLUMNS, " from policy_bundles where active or state = 'shadow'");
    let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(db).await?;
    let (stable, canary): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.active && row.canary_pct == 100);
    Ok((stable.into_iter().next(), canary.into_iter().next()))
}

/// The checksum of what is served.
pub(crate) async fn serving_checksum(db: &mut PgConnection) -> Result<String> {
    let (stable, canary) = arms(db).await?;
    let stable = stable.as_ref().map(Row::serving).transpose()?;
    let canary = canary.as_ref().map(Row::serving).transpose()?;
    Ok(rollout::serving_checksum(stable.as_ref(), canary.as_ref()))
}
