//! Removes expired sessions. They are refused anyway, so this is not urgent.

use std::time::Duration;

use store::{Store, sessions::PgSessions};

use super::periodic::{Schedule, log_error};

const PERIOD: Duration = Duration::from_secs(60 * 60);

pub(super) async fn run(store: Store) {
    let sessions = PgSessions::new(store.clone());
    let mut schedule = Schedule::every(PERIOD, &store);
    while schedule.next().await {
        if let Err(error) = sessions.delete_expired().await {
            log_error("expired sessions cannot be removed now", &error);
        }
    }
}
