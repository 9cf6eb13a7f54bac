//! The bundles in service, as a transaction sees them.

use const_format::concatcp;
use lifecycle::{
    rollout,
    system::{ServingBundle, System},
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::switches::switches_now;
use crate::{
    Result,
    bundles::row::{COLUMNS, Row},
    incidents, names,
};

/// The live state, including whether evaluation is off or rollouts are paused.
pub(crate) async fn read(db: &mut PgConnection) -> Result<System> {
    let (stable, canary) = serving_bundles(db).await?;
    let switches = switches_now(db).await?;
    let unproven = incidents::unproven(db).await?;
    let with_incident = |bundle: ServingBundle| {
        let incident = unproven.iter().find(|(id, _)| *id == bundle.id).map(|(_, incident)| incident.clone());
        ServingBundle { unproven: incident, ..bundle }
    };
    Ok(System {
        enabled: switches.enabled,
        bypass_effect: switches.bypass_effect,
        disabled: switches.disabled,
        paused: switches.pause.is_some(),
        pause: switches.pause,
        stable: stable.map(with_incident),
        canary: canary.map(with_incident),
    })
}

/// A bundle in service, without its rules: those may be long, and pages ask for the state of the system all the time.
#[derive(sqlx::FromRow)]
struct ServingRow {
    id: i64,
    version: String,
    digest: String,
    state: String,
    active: bool,
    canary_pct: i16,
    stage_started_at: Option<OffsetDateTime>,
    activated_at: Option<OffsetDateTime>,
    activated_by: Option<String>,
}

impl ServingRow {
    fn read(self) -> Result<ServingBundle> {
        Ok(ServingBundle {
            id: self.id,
            version: self.version,
            digest: self.digest,
            state: names::state(&self.state)?,
            canary_pct: self.canary_pct,
            stage_started_at: self.stage_started_at.map(Into::into),
            activated_at: self.activated_at.map(Into::into),
            activated_by: self.activated_by,
            unproven: None,
        })
    }
}

/// Stable, and the canary or shadow, as of one moment and without their rules.
async fn serving_bundles(db: &mut PgConnection) -> Result<(Option<ServingBundle>, Option<ServingBundle>)> {
    let rows: Vec<ServingRow> = sqlx::query_as(
        "select id, version, digest, state, active, canary_pct, stage_started_at, activated_at, activated_by
         from policy_bundles where active or state = 'shadow'",
    )
    .fetch_all(db)
    .await?;
    let (stable, canary): (Vec<ServingRow>, Vec<ServingRow>) =
        rows.into_iter().partition(|row| row.active && row.canary_pct == 100);
    let first = |rows: Vec<ServingRow>| rows.into_iter().next().map(ServingRow::read).transpose();
    Ok((first(stable)?, first(canary)?))
}

/// Stable, and the canary or shadow, as of one moment.
pub(crate) async fn arms(db: &mut PgConnection) -> Result<(Option<Row>, Option<Row>)> {
    let sql = concatcp!("select ", COLUMNS, " from policy_bundles where active or state = 'shadow'");
    let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(db).await?;
    let (stable, canary): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.active && row.canary_pct == 100);
    Ok((stable.into_iter().next(), canary.into_iter().next()))
}

/// The checksum of what is served.
pub(crate) async fn serving_checksum(db: &mut PgConnection) -> Result<String> {
    let (stable, canary) = serving_bundles(db).await?;
    Ok(rollout::serving_checksum(stable.as_ref(), canary.as_ref()))
}
