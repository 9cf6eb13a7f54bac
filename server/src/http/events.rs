//! `/events`: tells open pages, as it happens, that something on the server has changed (server-sent events).

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

use super::problem::ApiResult;
use crate::{
    auth::{self, SignedIn},
    state::AppState,
};

/// A stream ends after this long; browsers come back by themselves, and are asked again who they are.
const LONGEST: Duration = Duration::from_secs(5 * 60);
/// How soon browsers come back.
const COME_BACK: Duration = Duration::from_secs(2);

/// The stream of events.
pub fn router() -> Router<AppState> {
    Router::new().route("/events", get(events))
}

/// `live` carries the state of the system (`GET /policy/system`): once at the start, then with every change.
async fn events(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    auth::require(&actor, Permission::Read)?;
    let changes = WatchStream::new(state.live.changes());
    let mut stopping = state.stopping.subscribe();
    let end = async move {
        tokio::select! {
            () = tokio::time::sleep(LONGEST) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    };
    let events =
        changes.then(move |change| live_event(state.clone(), actor.clone(), change)).take_until(Box::pin(end)).map(Ok);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

async fn live_event(state: AppState, actor: Actor, change: u64) -> Event {
    let event = Event::default().event("live").id(change.to_string()).retry(COME_BACK);
    let content = match store::system::get(&state.store, &actor).await {
        Ok(system) => json!(system),
        // The page keeps what it shows and asks again with the next change.
        Err(error) => {
            tracing::debug!(%error, "an open page could not be told what is live");
            json!(null)
        }
    };
    event.data(content.to_string())
}
