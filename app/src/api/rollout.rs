//! Rollouts for the pages.

use leptos::prelude::*;
use lifecycle::{
    authority::Actor,
    review::Exception,
    rollout::{CanaryStatus, History, RollbackResponse, WatchConfig, freeze::Holding},
    system::System,
};
use policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{AppError, Reply};

/// An approved bundle that waits to be put into service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// The number of the bundle.
    pub bundle_id: i64,
    /// The version.
    pub version: String,
    /// The notes.
    pub notes: String,
    /// The packet that was approved.
    pub packet_id: String,
    /// The approvers.
    pub approved_by: Vec<String>,
    /// The risk score, 0–10000 basis points.
    pub risk_score_bps: u32,
    /// The version that the bundle was compared with.
    pub base_version: Option<String>,
}

/// The effect of rolling back a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The bundle that would be taken out.
    pub bundle_id: i64,
    /// The version that would serve instead.
    pub restored_version: String,
    /// The number of decisions of the bundle in the last hour.
    pub decisions_last_hour: u64,
    /// The number of those decisions that the other version answers differently.
    pub flips: u64,
}

/// The content of the rollouts page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RolloutView {
    /// The state of the system.
    pub system: System,
    /// The status of the canary or shadow, if there is one.
    pub status: Option<CanaryStatus>,
    /// The exceptions with which the bundles in service were approved.
    pub exceptions: Vec<Exception>,
    /// The freezes that hold applies now, those that the reader may pass included.
    pub freezes: Vec<Holding>,
    /// The limits of automatic rollback.
    pub watch: WatchConfig,
    /// The effect of rolling back the canary or shadow.
    pub canary_preview: Option<Preview>,
    /// The effect of rolling back stable; `None` if no earlier version can take over.
    pub stable_preview: Option<Preview>,
    /// Approved bundles not yet in service.
    pub waiting: Vec<Waiting>,
    /// Past applies, rollbacks and releases.
    pub history: History,
    /// The signed-in person.
    pub me: Actor,
    /// The server's time.
    pub as_of: Timestamp,
}

/// The live state, the status of the rollout, the waiting bundles, and the history.
#[server(prefix = "/api", endpoint = "rollout/view", output = Reply)]
pub async fn get_rollout() -> Result<RolloutView, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let system = store::system::get(&store, &me).await?;
    let status = match &system.canary {
        Some(canary) => Some(store::rollout::canary_status(&store, &me, canary.id).await?),
        None => None,
    };
    Ok(RolloutView {
        canary_preview: preview(&store, &me, system.canary.as_ref().map(|canary| canary.id)).await?,
        stable_preview: preview(&store, &me, system.stable.as_ref().map(|stable| stable.id)).await?,
        exceptions: store::packets::exceptions_in_service(&store, &me).await?,
        watch: store::settings::get(&store, &me).await?.watch,
        freezes: store::rollout::freezes_holding(&store, &me, lifecycle::rollout::freeze::Operation::Apply).await?,
        waiting: waiting(&store, &me).await?,
        history: store::rollout::history(&store, &me, 50).await?,
        system,
        status,
        me,
        as_of: crate::context::now(),
    })
}

/// Puts an approved bundle into service at `pct` percent; 0 is a shadow.
#[server(prefix = "/api", endpoint = "rollout/apply", output = Reply)]
pub async fn apply_bundle(bundle_id: i64, packet_id: String, pct: i16) -> Result<(), AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    store::rollout::apply(&store, &me, bundle_id, &packet_id, Some(pct)).await?;
    Ok(())
}

/// Raises a bundle's share of traffic.
#[server(prefix = "/api", endpoint = "rollout/promote", output = Reply)]
pub async fn promote_bundle(bundle_id: i64, target_pct: i16) -> Result<(), AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    store::rollout::promote(&store, &me, bundle_id, target_pct).await?;
    Ok(())
}

/// Takes a bundle out of service.
#[server(prefix = "/api", endpoint = "rollout/roll-back", output = Reply)]
pub async fn roll_back_bundle(
    bundle_id: i64,
    reason: String,
    #[server(default)] create_incident: bool,
) -> Result<RollbackResponse, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let order = store::rollout::RollBack { reason, rolled_back_by: None, create_incident, triggered_at: None };
    Ok(store::rollout::roll_back(&store, &me, bundle_id, order).await?)
}

/// The effect of rolling back `bundle_id`; `None` if there is no version to return to.
#[cfg(feature = "ssr")]
async fn preview(store: &store::Store, me: &Actor, bundle_id: Option<i64>) -> Result<Option<Preview>, AppError> {
    use lifecycle::problem::Code;
    let Some(bundle_id) = bundle_id else { return Ok(None) };
    match store::rollout::preview(store, me, bundle_id).await.map_err(AppError::from) {
        Ok(effect) => Ok(effect.restored_version.map(|restored_version| Preview {
            bundle_id,
            restored_version,
            decisions_last_hour: effect.decisions_last_hour,
            flips: effect.flips,
        })),
        Err(error) if matches!(error.code(), Code::NoPreviousVersion | Code::InvalidTransition) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Approved bundles with the packets that approved them.
#[cfg(feature = "ssr")]
async fn waiting(store: &store::Store, me: &Actor) -> Result<Vec<Waiting>, AppError> {
    use lifecycle::{bundle::State, review::PacketStatus};
    let approved =
        store::packets::Filter { status: Some(PacketStatus::Approved), limit: Some(100), ..Default::default() };
    let packets = store::packets::list(store, me, &approved).await?.items;
    let bundles = store::bundles::Filter { state: Some(State::Approved), limit: Some(100), ..Default::default() };
    let bundles = store::bundles::summaries(store, me, &bundles).await?.items;
    let row = |bundle: &lifecycle::bundle::record::Summary| {
        let packet = packets.iter().find(|packet| packet.bundle_id == bundle.id)?;
        Some(Waiting {
            bundle_id: bundle.id,
            version: bundle.version.clone(),
            notes: bundle.notes.clone(),
            packet_id: packet.packet_id.clone(),
            approved_by: packet.approved_by.clone(),
            risk_score_bps: packet.risk_score_bps,
            base_version: packet.base_version.clone(),
        })
    };
    Ok(bundles.iter().filter_map(row).collect())
}
