//! Asks the sign-in provider again whether it confirms the people whose sessions began there.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use store::{
    Store,
    identities::{self, Due},
};

use super::periodic::{Schedule, log_error};
use crate::{
    heartbeats::Heartbeat,
    oidc::{Asked, Provider},
};

const PERIOD: Duration = Duration::from_secs(5);
/// Sessions asked about at the same time.
const AT_ONCE: usize = 4;

pub(super) async fn run(store: Store, provider: Arc<Provider>, heartbeat: Heartbeat) {
    let mut schedule = Schedule::every(PERIOD, &store, heartbeat);
    while schedule.next().await {
        check_sessions(&store, &provider).await;
    }
}

/// Asks about every session that is due. One that the provider does not confirm ends; after no answer it is asked about
/// again, until the last confirmation counts no more.
pub async fn check_sessions(store: &Store, provider: &Provider) {
    match identities::due(store).await {
        Ok(due) => stream::iter(due).for_each_concurrent(AT_ONCE, |due| check(store, provider, due)).await,
        Err(error) => log_error("sessions that began at the sign-in provider cannot be read now", &error),
    }
}

async fn check(store: &Store, provider: &Provider, due: Due) {
    let done = match provider.ask(&due).await {
        Asked::Confirmed(answer) => identities::confirm(store, due.id, &answer.claims, &answer.secret).await,
        Asked::Refused(why) => identities::end_unconfirmed(store, due.id, &why).await,
        Asked::Unreachable(why) => {
            tracing::warn!(
                issuer = provider.issuer(),
                why,
                "the sign-in provider does not say whether it confirms a person"
            );
            Ok(())
        }
    };
    if let Err(error) = done {
        log_error("what the sign-in provider says about a session cannot be stored now", &error);
    }
}
