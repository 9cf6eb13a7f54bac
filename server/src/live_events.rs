//! What `/events` sends: the state of the system, read once for each change however many pages are open; and how many streams
//! one person may keep open.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lifecycle::{
    authority::Actor,
    problem::{Code, Problem},
};
use serde_json::json;
use store::Store;

use crate::shared_reading::SharedReading;

/// Maximum streams of one person: one for each open page.
const STREAMS: usize = 32;
/// When to come back after a refusal, in seconds.
const RETRY_AFTER: u64 = 60;

/// The newest event, and the open streams. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct LiveEvents {
    newest: SharedReading<u64, Option<Arc<str>>>,
    streams: Arc<Mutex<HashMap<String, usize>>>,
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Begins a stream for the person `name`; it counts until the value is dropped.
    ///
    /// # Errors
    /// `too_many_requests` when the person has too many streams.
    pub fn begin(&self, name: &str) -> Result<OpenStream, Problem> {
        let mut streams = lock(&self.streams);
        let open = streams.entry(name.to_owned()).or_default();
        if *open >= STREAMS {
            let detail = format!("you have {STREAMS} streams open; close one, or try again in {RETRY_AFTER} s");
            return Err(Problem::new(Code::TooManyRequests, detail).with("retry_after_seconds", RETRY_AFTER));
        }
        *open += 1;
        Ok(OpenStream { name: name.to_owned(), streams: Arc::clone(&self.streams) })
    }

    /// Streams that are open.
    pub fn open(&self) -> usize {
        lock(&self.streams).values().sum()
    }
}

/// A stream that is open.
#[derive(Debug)]
pub struct OpenStream {
    name: String,
    streams: Arc<Mutex<HashMap<String, usize>>>,
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut streams = lock(&self.streams);
        if let Some(open) = streams.get_mut(&self.name) {
            *open -= 1;
            if *open == 0 {
                streams.remove(&self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_so_many_streams_and_no_more() {
        let events = LiveEvents::default();
        let mut open: Vec<OpenStream> = (0..STREAMS).map(|_| events.begin("ada").unwrap()).collect();
        assert_eq!(events.begin("ada").unwrap_err().status, 429);
        assert!(events.begin("grace").is_ok());
        open.pop();
        assert!(events.begin("ada").is_ok());
        drop(open);
        assert_eq!(events.open(), 0);
    }
}
