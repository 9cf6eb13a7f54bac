//! Keeps open pages up to date without reloading them. `/events` reports changes; a slow pulse covers changes that no
//! event reports, and lost connections.

use std::time::Duration;

use leptos::{ev, leptos_dom::helpers::IntervalHandle, prelude::*};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::EventSource;

/// The interval at which pages with charts fetch again.
const PULSE: Duration = Duration::from_secs(10);

/// Counts the changes that the server reported, and the pulses in between.
#[derive(Debug, Clone, Copy)]
pub struct LiveUpdates {
    changes: RwSignal<u64>,
    pulses: RwSignal<u64>,
    approvals: RwSignal<u64>,
}

impl LiveUpdates {
    fn new() -> Self {
        Self { changes: RwSignal::new(0), pulses: RwSignal::new(0), approvals: RwSignal::new(0) }
    }

    /// Increases when the server reports a change; tracked. Use it as the source of a resource,
    /// `Resource::new(move || live.changed(), |_| packets())`, inside `<Transition>` so that nothing flickers.
    pub fn changed(self) -> u64 {
        self.changes.get()
    }

    /// Increases with every change, and every ten seconds; tracked. For pages with numbers that keep changing.
    pub fn pulse(self) -> u64 {
        self.changes.get() + self.pulses.get()
    }

    /// Increases with every pulse, and when the server reports that approval requests have changed; tracked.
    pub fn approvals(self) -> u64 {
        self.pulse() + self.approvals.get()
    }

    /// Makes every resource fetch again, after the page itself changed something.
    pub fn refresh(self) {
        self.changes.update(|count| *count += 1);
    }
}

/// Makes [`use_live`] work below. Called once, by the app.
pub fn provide_live() {
    provide_context(LiveUpdates::new());
}

/// The updates of this page. Outside the app, a counter that never increases.
pub fn use_live() -> LiveUpdates {
    use_context().unwrap_or_else(LiveUpdates::new)
}

/// Listens for events while the frame is mounted.
pub fn listen() {
    let live = use_live();
    // Effects run in browsers only: a server may clean up on another thread, where local values must not be touched.
    Effect::new(move |_| {
        let connection = StoredValue::new_local(Connection::open(live));
        on_cleanup(move || {
            let _ = connection.try_update_value(|connection| *connection = None);
        });
    });
}

/// Called by the browser for each event of the stream.
type OnMessage = Closure<dyn FnMut(ev::MessageEvent)>;

/// An open stream of events and a pulse. Both end when the connection is dropped.
struct Connection {
    events: Option<(EventSource, [OnMessage; 2])>,
    pulse: Option<IntervalHandle>,
}

impl Connection {
    fn open(live: LiveUpdates) -> Option<Self> {
        let mut greeted = false;
        // The first event describes the state that the page was just rendered from.
        let on_live = Closure::<dyn FnMut(ev::MessageEvent)>::new(move |_| {
            if greeted {
                live.refresh();
            }
            greeted = true;
        });
        let on_approvals = Closure::<dyn FnMut(ev::MessageEvent)>::new(move |_| {
            let _ = live.approvals.try_update(|count| *count += 1);
        });
        let events = EventSource::new("/events").ok().map(|events| {
            let listeners = [("live", &on_live), ("approvals", &on_approvals)];
            for (name, listener) in listeners {
                let _ = events.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
            }
            (events, [on_live, on_approvals])
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
