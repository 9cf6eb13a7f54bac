//! Rollback drills for the pages.

use leptos::prelude::*;
use lifecycle::{authority::Actor, rollout::DrillReport, signing::Checked};
use policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{AppError, Reply};

/// The content of the drills page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrillView {
    /// Newest first.
    pub reports: Vec<Checked<DrillReport>>,
    /// The signed-in person.
    pub me: Actor,
    /// The server's time.
    pub as_of: Timestamp,
}

/// The newest hundred drills.
#[server(prefix = "/api", endpoint = "drills/list", output = Reply)]
pub async fn list_drills() -> Result<DrillView, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let filter = store::drills::Filter { limit: Some(100), ..Default::default() };
    let reports = store::drills::list(&store, &me, &filter).await?.items;
    Ok(DrillView { reports, me, as_of: crate::context::now() })
}

/// Runs a drill and returns its report.
///
/// # Errors
/// `forbidden` without the permission; `no_candidate` when no packet was ever approved on top of a stable bundle.
#[server(prefix = "/api", endpoint = "drills/run", output = Reply)]
pub async fn run_drill() -> Result<DrillReport, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    Ok(store::drills::run(&store, &me).await?)
}
