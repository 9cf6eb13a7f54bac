//! Removes expired sessions, and what is left of sign-ins through the provider. They are refused anyway, so this is not
//! urgent.

use std::time::Duration;

use store::{Store, identities, sessions::PgSessions};

use super::periodic::{Schedule, log_error};
use crate::heartbeats::Heartbeat;

const PERIOD: Duration = Duration::from_secs(60 * 60);

pub(super) async fn run(store: Store, heartbeat: Heartbeat) {
    let sessions = PgSessions::new(store.clone());
    let mut schedule = Schedule::every(PERIOD, &store, heartbeat);
    while schedule.next().await {
        if let Err(error) = sessions.delete_expired().await {
            log_error("expired sessions cannot be removed now", &error);
        }
        if let Err(error) = identities::delete_unused(&store).await {
            log_error("unfinished sign-ins cannot be removed now", &error);
        }
    }
}
