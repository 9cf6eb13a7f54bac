//! `/events`: notifies open pages of changes on the server as they happen (server-sent events).

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
    routing::get,
};
use futures::{Stream, StreamExt};
use lifecycle::authority::{Actor, Permission};
use serde_json::json;
use tokio_stream::wrappers::WatchStream;

use crate::{
    auth::{self, SignedIn},
    error::ApiResult,
    state::AppState,
};

/// Longest duration of a stream. Browsers then reconnect by themselves and are authenticated again.
const MAX_DURATION: Duration = Duration::from_secs(5 * 60);
/// The time after which browsers reconnect.
const RECONNECT: Duration = Duration::from_secs(2);

/// The route of the stream.
pub fn router() -> Router<AppState> {
    Router::new().route("/events", get(events))
}

/// How often a stream says at most that approval requests have changed.
const APPROVALS_EVERY: Duration = Duration::from_secs(1);

/// What a stream reports.
enum Change {
    /// The state of the system may have changed.
    Live(u64),
    /// An approval request was made, decided, used or ended.
    Approvals(i64),
}

/// Streams `live` events with the state of the system (`GET /policy/system`): one at the start, then one with every
/// change; and `approvals` events when approval requests have changed.
async fn events(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    auth::require(&actor, Permission::Read)?;
    let open = state.events.streams.begin(&actor.name)?;
    let live = WatchStream::new(state.live.changes()).map(Change::Live);
    let approvals = WatchStream::from_changes(state.live.approval_changes()).map(Change::Approvals);
    let changes = futures::stream::select(live, Box::pin(tokio_stream::StreamExt::throttle(approvals, APPROVALS_EVERY)));
    let mut stopping = state.stopping.subscribe();
    let end = async move {
        tokio::select! {
            () = tokio::time::sleep(MAX_DURATION) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    };
    let events = changes
        .then(move |change| event(state.clone(), actor.clone(), change))
        .take_while(|event| std::future::ready(event.is_some()))
        .filter_map(std::future::ready);
    // The stream counts until the last of it is dropped.
    let events = events.take_until(Box::pin(end)).map(move |event| {
        let _counts = &open;
        Ok(event)
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

/// The event of a change; `None`, which ends the stream, once the caller's session or token does not work any more.
async fn event(state: AppState, actor: Actor, change: Change) -> Option<Event> {
    let actor = match store::tokens::renew(&state.store.identifying(), &actor).await {
        Ok(renewed) => renewed?,
        Err(error) => {
            tracing::debug!(%error, "whether an open page may still learn of changes cannot be read");
            return None;
        }
    };
    let event = Event::default().retry(RECONNECT);
    Some(match change {
        Change::Live(change) => {
            let content = state.events.read(&state.store, &actor, change).await;
            event.event("live").id(change.to_string()).data(content)
        }
        Change::Approvals(version) => event.event("approvals").data(json!({ "version": version }).to_string()),
    })
}
