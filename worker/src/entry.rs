//! The session behind a port: that of a web worker, or one end of a channel on a page without workers. A message is an
//! array: JSON as bytes, and the payload's bytes when there is a payload.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Function, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use web_sys::{MessageChannel, MessageEvent, MessagePort};

use crate::{
    protocol::{Event, Request},
    session::{ExactLimits, Session},
};

/// High limits: in a web worker, a long analysis does not block the page.
const LIMITS_OF_A_WORKER: ExactLimits = ExactLimits { at_once: 500, at_all: 5_000 };

/// Lower limits on the page, where an analysis blocks typing.
const LIMITS_ON_A_PAGE: ExactLimits = ExactLimits { at_once: 250, at_all: 2_000 };

/// How long the session works before it lets newer messages in, in milliseconds.
const TURN_MS: f64 = 6.0;

#[wasm_bindgen]
extern "C" {
    /// What a worker's global scope and a `MessagePort` have in common.
    pub type Port;

    #[wasm_bindgen(method, js_name = postMessage)]
    fn post(this: &Port, message: &JsValue, transferred: &Array);

    #[wasm_bindgen(method, setter, js_name = onmessage)]
    fn set_on_message(this: &Port, handler: &Function);

    /// The monotonic clock, in milliseconds.
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

fn clock() -> f64 {
    now()
}

/// Starts a session that answers at `port`.
///
/// # Errors
/// The browser cannot create a message channel.
#[wasm_bindgen]
pub fn start(port: Port, on_page: bool) -> Result<(), JsValue> {
    // A message to the worker itself queues behind the page's messages, so that newer edits come first.
    let turns = MessageChannel::new()?;
    let limits = if on_page { LIMITS_ON_A_PAGE } else { LIMITS_OF_A_WORKER };
    let state = Rc::new(State { session: RefCell::new(Session::new(clock, limits)), wake: turns.port2(), port });

    let on_turn = {
        let state = Rc::clone(&state);
        Closure::<dyn FnMut(MessageEvent)>::new(move |_| state.on_turn())
    };
    turns.port1().set_onmessage(Some(on_turn.as_ref().unchecked_ref()));
    let on_message = {
        let state = Rc::clone(&state);
        Closure::<dyn FnMut(MessageEvent)>::new(move |event| state.on_message(&event))
    };
    state.port.set_on_message(on_message.as_ref().unchecked_ref());
    state.send(&Event::Ready);
    // Both handlers live as long as the module.
    on_turn.forget();
    on_message.forget();
    Ok(())
}

struct State {
    session: RefCell<Session>,
    wake: MessagePort,
    port: Port,
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
        session.handle(request, payload.as_deref(), &mut |event| self.send(&event));
        if !was_due && session.is_due() {
            self.wake();
        }
    }

    fn on_turn(&self) {
        let mut session = self.session.borrow_mut();
        let began = clock();
        while session.is_due() && clock() - began < TURN_MS {
            session.step(&mut |event| self.send(&event));
        }
        if session.is_due() {
            self.wake();
        }
    }

    fn wake(&self) {
        // Posting fails only while the worker is being terminated.
        let _ = self.wake.post_message(&JsValue::NULL);
    }

    /// Sends an event; the bytes are transferred, not copied.
    fn send(&self, event: &Event) {
        let Ok(json) = serde_json::to_vec(event) else { return };
        let json = Uint8Array::from(json.as_slice());
        let (parts, transferred) = (Array::of1(&json), Array::of1(&json.buffer()));
        if let Some(payload) = event.payload() {
            let payload = Uint8Array::from(payload.as_slice());
            parts.push(&payload);
            transferred.push(&payload.buffer());
        }
        self.port.post(&parts, &transferred);
    }
}
