//! Checks that something put the bundles in service there that may, whenever they change, and that what people decide was
//! not changed behind the audit record.

use std::time::Duration;

use store::{Store, rollout, system};

use super::periodic::{Schedule, log_error};
use crate::heartbeats::Heartbeat;

/// The interval at which to look whether the live state changed.
const PERIOD: Duration = Duration::from_secs(1);

pub(super) async fn run(store: Store, heartbeat: Heartbeat) {
    let mut schedule = Schedule::every(PERIOD, &store, heartbeat);
    let mut checked = None;
    let mut looked_at = rollout::LookedAt::default();
    while schedule.next().await {
        match check(&store, checked.as_deref()).await {
            Ok(mark) => checked = mark,
            Err(error) => log_error("what is served cannot be checked now", &error),
        }
        match rollout::check_changes(&store, &looked_at).await {
            Ok(next) => looked_at = next,
            Err(error) => log_error("changes cannot be compared with the audit record now", &error),
        }
    }
}

/// Returns the mark of the live state that needs no further look.
async fn check(store: &Store, checked: Option<&str>) -> store::Result<Option<String>> {
    let mark = system::live_mark(store).await?;
    if checked == Some(mark.as_str()) {
        return Ok(Some(mark));
    }
    Ok(rollout::check_serving(store).await?.then_some(mark))
}
