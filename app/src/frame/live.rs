//! Keeps open pages up to date without reloading them: `/events` says when something changed, and a slow pulse covers
//! what no event is sent for, and lost connections.

use std::time::Duration;

use leptos::{ev, leptos_dom::helpers::IntervalHandle, prelude::*};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::EventSource;

/// How often pages with charts fetch again.
const PULSE: Duration = Duration::from_secs(10);

/// Counts the moments at which something on the server may have changed.
#[derive(Debug, Clone, Copy)]
pub struct Live {
    changes: RwSignal<u64>,
    pulses: RwSignal<u64>,
}

impl Live {
    /// Moves on when the server says that something changed. Use it in a resource's source:
    /// `Resource::new(move || live.changed(), |_| packets())`, shown inside `<Transition>` so that nothing flickers.
    pub fn changed(self) -> u64 {
        self.changes.get()
    }

    /// Moves on with every change and besides every ten seconds, for pages that show numbers in motion.
    pub fn pulse(self) -> u64 {
        self.changes.get() + self.pulses.get()
    }

    /// Lets everything fetch again, after this page changed something itself.
    pub fn refresh(self) {
        self.changes.update(|count| *count += 1);
    }
}

/// Makes [`use_live`] work below. Called once, by the app.
pub fn provide_live() {
    provide_context(Live { changes: RwSignal::new(0), pulses: RwSignal::new(0) });
}

/// The heartbeat of the page.
pub fn use_live() -> Live {
    use_context().unwrap_or_else(|| Live { changes: RwSignal::new(0), pulses: RwSignal::new(0) })
}

/// Listens as long as the frame stands.
pub fn listen() {
    let live = use_live();
    // Only in browsers: a server cleans up on whatever thread is free, and nothing local may be touched there.
    Effect::new(move |_| {
        let connection = StoredValue::new_local(Connection::open(live));
        on_cleanup(move || {
            let _ = connection.try_update_value(|connection| *connection = None);
        });
    });
}

/// Called by the browser for each event of the stream.
type OnMessage = Closure<dyn FnMut(ev::MessageEvent)>;

/// An open stream of events and the pulse beside it; both end with it.
struct Connection {
    events: Option<(EventSource, OnMessage)>,
    pulse: Option<IntervalHandle>,
}

impl Connection {
    fn open(live: Live) -> Option<Self> {
        let mut greeted = false;
        // The stream begins with what the page has just been rendered from.
        let on_live = Closure::<dyn FnMut(ev::MessageEvent)>::new(move |_| {
            if greeted {
                live.refresh();
            }
            greeted = true;
        });
        let events = EventSource::new("/events").ok().map(|events| {
            let _ = events.add_event_listener_with_callback("live", on_live.as_ref().unchecked_ref());
            (events, on_live)
        });
        let pulse = set_interval_with_handle(
            move || {
                if !document().hidden() {
                    let _ = live.pulses.try_update(|count| *count += 1);
                }
            },
            PULSE,
        )
        .ok();
        Some(Self { events, pulse })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some((events, _)) = &self.events {
            events.close();
        }
        if let Some(pulse) = &self.pulse {
            pulse.clear();
        }
    }
}
