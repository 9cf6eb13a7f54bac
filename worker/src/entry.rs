//! The session in a web worker. A message is an array: JSON as bytes, and the payload's bytes when there is a payload.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent, MessagePort};

use crate::{
    protocol::{Event, Request},
    session::{ExactLimits, Session},
};

/// High limits: in the worker, a long analysis does not block the page.
const EXACT_LIMITS: ExactLimits = ExactLimits { at_once: 500, at_all: 5_000 };

/// How long the session works before it lets newer messages in, in milliseconds.
const TURN_MS: f64 = 6.0;

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

fn now() -> f64 {
    scope().performance().map_or(0.0, |performance| performance.now())
}

/// Starts the worker.
///
/// # Errors
/// The browser cannot create a message channel.
#[wasm_bindgen]
pub fn start() -> Result<(), JsValue> {
    // A message to the worker itself queues behind the page's messages, so that newer edits come first.
    let turns = MessageChannel::new()?;
    let state = Rc::new(State { session: RefCell::new(Session::new(now, EXACT_LIMITS)), wake: turns.port2() });

    let on_turn = {
        let state = Rc::clone(&state);
        Closure::<dyn FnMut(MessageEvent)>::new(move |_| state.on_turn())
    };
    turns.port1().set_onmessage(Some(on_turn.as_ref().unchecked_ref()));
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event| state.on_message(&event));
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // Both handlers live as long as the worker.
    on_turn.forget();
    on_message.forget();
    send(&Event::Ready);
    Ok(())
}

struct State {
    session: RefCell<Session>,
    wake: MessagePort,
}

impl State {
    fn on_message(&self, event: &MessageEvent) {
        let parts: Array = event.data().unchecked_into();
        let bytes = |part: JsValue| part.dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec());
        let Some(request) = bytes(parts.get(0)).and_then(|json| serde_json::from_slice::<Request>(&json).ok()) else {
            return;
        };
        let payload = bytes(parts.get(1));
        let mut session = self.session.borrow_mut();
        let was_due = session.is_due();
        session.handle(request, payload.as_deref(), &mut |event| send(&event));
        if !was_due && session.is_due() {
            self.wake();
        }
    }

    fn on_turn(&self) {
        let mut session = self.session.borrow_mut();
        let began = now();
        while session.is_due() && now() - began < TURN_MS {
            session.step(&mut |event| send(&event));
        }
        if session.is_due() {
            self.wake();
        }
    }

    fn wake(&self) {
        // Posting fails only while the worker is being terminated.
        let _ = self.wake.post_message(&JsValue::NULL);
    }
}

/// Sends an event; the bytes are transferred, not copied.
fn send(event: &Event) {
    let Ok(json) = serde_json::to_vec(event) else { return };
    let json = Uint8Array::from(json.as_slice());
    let (parts, transferred) = (Array::of1(&json), Array::of1(&json.buffer()));
    if let Some(payload) = event.payload() {
        let payload = Uint8Array::from(payload.as_slice());
        parts.push(&payload);
        transferred.push(&payload.buffer());
    }
    let _ = scope().post_message_with_transfer(&parts, &transferred);
}
