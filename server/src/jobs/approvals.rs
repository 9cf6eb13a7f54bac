//! Ends approval requests whose time ran out. They count as expired from that moment on; this writes it down.

use std::time::Duration;

use store::Store;

use super::periodic::{Schedule, log_error};
use crate::heartbeats::Heartbeat;

const PERIOD: Duration = Duration::from_secs(5);

pub(super) async fn run(store: Store, heartbeat: Heartbeat) {
    let mut schedule = Schedule::every(PERIOD, &store, heartbeat);
    while schedule.next().await {
        if let Err(error) = store::approvals::expire(&store).await {
            log_error("expired approval requests cannot be ended now", &error);
        }
    }
}
