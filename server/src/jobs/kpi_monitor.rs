//! Measures the outcomes of bundles in service, for the key figures.

use std::time::Duration;

use store::{Store, kpi};

use super::periodic::{Schedule, log_error};
use crate::heartbeats::Heartbeat;

/// The interval at which to look for bundles that are due to be measured.
const PERIOD: Duration = Duration::from_secs(60);

pub(super) async fn run(store: Store, heartbeat: Heartbeat) {
    let mut schedule = Schedule::every(PERIOD, &store, heartbeat);
    while schedule.next().await {
        if let Err(error) = kpi::monitor(&store).await {
            log_error("bundles in service cannot be measured now", &error);
        }
    }
}
