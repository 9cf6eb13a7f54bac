//! Key figures (KPIs) for the pages.

use leptos::prelude::*;
use lifecycle::kpi::{Candidate, Summary, approvals::ApprovalKpi};
use policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{AppError, Reply};

/// The number of days in the charts.
pub const TREND_DAYS: u32 = 30;

/// The key figures now and over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KpiReport {
    /// The key figures of the last 30 days.
    pub summary: Summary,
    /// The key figures at the end of each day, oldest first; the last entry is now.
    pub trend: Vec<Summary>,
    /// Projected and realised values of each candidate, largest gap first.
    pub candidates: Vec<Candidate>,
    /// What people decided at run time.
    pub approvals: ApprovalKpi,
    /// Whether the reader may engage a safety pause and none is in force.
    pub may_pause: bool,
    /// The server's time.
    pub as_of: Timestamp,
}

/// The content of the page.
#[server(prefix = "/api", endpoint = "kpi/figures", output = Reply)]
pub async fn read_kpis() -> Result<KpiReport, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let paused = store::system::get(&store, &me).await?.paused;
    Ok(KpiReport {
        summary: store::kpi::summary(&store, &me, None).await?,
        trend: store::kpi::trend(&store, &me, TREND_DAYS).await?,
        candidates: store::kpi::detail(&store, &me, None).await?,
        approvals: store::kpi::approvals(&store, &me).await?,
        may_pause: me.may(lifecycle::authority::Permission::Pause) && !paused,
        as_of: crate::context::now(),
    })
}

/// The key figures of the last 30 days.
#[server(prefix = "/api", endpoint = "kpi/summary", output = Reply)]
pub async fn kpi_summary() -> Result<Summary, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    Ok(store::kpi::summary(&store, &me, None).await?)
}
