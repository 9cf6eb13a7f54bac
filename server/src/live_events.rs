//! What `/events` sends: the state of the system, read once for each change however many pages are open; and how many streams
//! one person may keep open.

use std::sync::Arc;

use lifecycle::authority::Actor;
use serde_json::json;
use store::Store;

use crate::{open_places::OpenPlaces, shared_reading::SharedReading};

/// Maximum streams of one person: one for each open page.
const STREAMS: usize = 32;

/// The newest event, and the open streams. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LiveEvents {
    newest: SharedReading<u64, Option<Arc<str>>>,
    /// The streams that are open.
    pub streams: OpenPlaces,
}

impl Default for LiveEvents {
    fn default() -> Self {
        Self { newest: SharedReading::default(), streams: OpenPlaces::new(STREAMS, "streams") }
    }
}

async fn read_system(store: Store, actor: Actor) -> Option<Arc<str>> {
    match store::system::get(&store, &actor).await {
        Ok(system) => Some(json!(system).to_string().into()),
        Err(error) => {
            tracing::debug!(%error, "the state of the system cannot be read for open pages");
            None
        }
    }
}

impl LiveEvents {
    /// The event about the change with this number, as JSON: the state of the system, or null when it cannot be read. Who
    /// asks may read it; whoever asks gets the same.
    pub async fn read(&self, store: &Store, actor: &Actor, change: u64) -> Arc<str> {
        let event = self
            .newest
            .get(
                change,
                |number, event| *number == change && event != Some(&None),
                || read_system(store.clone(), actor.clone()),
            )
            .await;
        // The page keeps its content until the next change; whoever comes later reads again.
        event.unwrap_or_else(|| "null".into())
    }
}
