//! Keeps the decision log in order: adds rows of counts together, makes partitions for the days to come, closes the days
//! that are over, and archives old ones.

use std::{path::PathBuf, time::Duration};

use store::{Store, decisions};
use tokio::time::Instant;

use super::periodic::{Schedule, log_error};
use crate::heartbeats::Heartbeat;

/// The folder for archived days, in the data directory.
pub(super) const ARCHIVE: &str = "archive";

/// The interval at which rows of counts are added together.
const FOLD_EVERY: Duration = Duration::from_secs(10);
/// The interval at which to look at the days. There are partitions for a week ahead.
const DAYS_EVERY: Duration = Duration::from_secs(5 * 60);

/// Adds rows of counts together, apart from the days: closing or archiving a large one takes minutes, and counts grow
/// meanwhile.
pub(super) async fn fold(store: Store, heartbeat: Heartbeat) {
    let mut schedule = Schedule::every(FOLD_EVERY, &store, heartbeat);
    while schedule.next().await {
        if let Err(error) = decisions::fold_counts(&store).await {
            log_error("counts of decisions cannot be added together now", &error);
        }
    }
}

/// Makes, closes and archives days.
pub(super) async fn keep_days(store: Store, archive: PathBuf, heartbeat: Heartbeat) {
    let mut schedule = Schedule::every(DAYS_EVERY, &store, heartbeat);
    while schedule.next().await {
        if let Err(error) = decisions::make_days_ahead(&store).await {
            log_error("no partitions can be made for the days to come now", &error);
        }
        if let Err(error) = decisions::close_days(&store).await {
            log_error("a day of the decision log cannot be closed now", &error);
        }
        let began = Instant::now();
        match decisions::archive_days(&store, &archive).await {
            Ok(archived) => {
                for day in archived {
                    let (file, took) = (day.file.display(), began.elapsed());
                    tracing::info!(%file, ?took, day = day.manifest.day, "a day of the decision log was archived");
                }
            }
            Err(error) => log_error("a day of the decision log cannot be archived now", &error),
        }
    }
}
