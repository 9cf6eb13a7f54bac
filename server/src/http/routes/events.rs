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

/// Streams `live` events with the state of the system (`GET /policy/system`): one at the start, then one with every
/// change.
async fn events(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    auth::require(&actor, Permission::Read)?;
    let changes = WatchStream::new(state.live.changes());
    let mut stopping = state.stopping.subscribe();
    let end = async move {
        tokio::select! {
            () = tokio::time::sleep(MAX_DURATION) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    };
    let events =
        changes.then(move |change| live_event(state.clone(), actor.clone(), change)).take_until(Box::pin(end)).map(Ok);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

async fn live_event(state: AppState, actor: Actor, change: u64) -> Event {
    let event = Event::default().event("live").id(change.to_string()).retry(RECONNECT);
    let content = match store::system::get(&state.store, &actor).await {
        Ok(system) => json!(system),
        // The page keeps its content until the next change.
        Err(error) => {
            tracing::debug!(%error, "the state of the system cannot be read for an open page");
            json!(null)
        }
    };
    event.data(content.to_string())
}
