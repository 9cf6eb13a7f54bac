//! Mails what the command line of the host did to accounts. What the server itself does is mailed at once.

use std::time::Duration;

use app::account_links::AccountLinks;
use store::Store;

use super::periodic::Schedule;
use crate::heartbeats::Heartbeat;

/// How long a change on the host may wait for its letters.
const PERIOD: Duration = Duration::from_secs(60);

pub(super) async fn run(store: Store, links: AccountLinks, heartbeat: Heartbeat) {
    let mut schedule = Schedule::every(PERIOD, &store, heartbeat);
    while schedule.next().await {
        links.announce(&store).await;
    }
}
