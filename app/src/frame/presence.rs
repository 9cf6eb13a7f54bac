//! Tells the server that its person is there. Pages fetch again by themselves; a session that only they use is idle.

use std::time::Duration;

use leptos::{ev, leptos_dom::helpers::WindowListenerHandle, prelude::*};

use crate::context::AT_THE_PAGE;

/// How long a touch of the page counts.
const LASTS: Duration = Duration::from_secs(60);
/// Touches within this time of the last one that was stored are not stored again.
const REST: Duration = Duration::from_secs(20);

/// Listens for keys, clicks and scrolling while the frame is mounted.
pub fn listen() {
    // Effects run in browsers only: a server may clean up on another thread, where local values must not be touched.
    Effect::new(move |_| {
        let stored = StoredValue::new_local(f64::NEG_INFINITY);
        let touched = move || {
            let now = js_sys::Date::now();
            if stored.try_get_value().is_some_and(|at| (now - at).abs() >= REST.as_secs_f64() * 1_000.0) {
                stored.set_value(now);
                let cookie = format!("{AT_THE_PAGE}=1; Path=/; Max-Age={}; SameSite=Strict", LASTS.as_secs());
                let _ = js_sys::Reflect::set(&document(), &"cookie".into(), &cookie.into());
            }
        };
        let listeners: [WindowListenerHandle; 3] = [
            window_event_listener(ev::keydown, move |_| touched()),
            window_event_listener(ev::pointerdown, move |_| touched()),
            window_event_listener(ev::wheel, move |_| touched()),
        ];
        on_cleanup(move || listeners.into_iter().for_each(WindowListenerHandle::remove));
    });
}
