//! The session in a web worker. Messages are pairs: JSON as bytes, and bytes that stand beside it or nothing.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent, MessagePort};

use crate::{
    protocol::{Event, Request},
    session::{Exact, Session},
};

/// What is analysed here holds nobody up but itself.
const EXACT: Exact = Exact { at_once: 500, at_all: 5_000 };

/// How long one turn may take before newer messages are heard, in milliseconds.
const TURN_MS: f64 = 6.0;

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

fn now() -> f64 {
    scope().performance().map_or(0.0, |performance| performance.now())
}

/// Begins to listen.
#[wasm_bindgen]
pub fn start() -> Result<(), JsValue> {
    // A message to oneself waits behind those of the page, and no shorter or longer than they do.
    let turns = MessageChannel::new()?;
    let state = Rc::new(State { session: RefCell::new(Session::new(now, EXACT)), wake: turns.port2() });

    let turning = Rc::clone(&state);
    listen(&turns.port1(), move |_| turning.turn());
    let hearing = Rc::clone(&state);
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |event| hearing.hear(&event));
    scope().set_onmessage(Some(heard.as_ref().unchecked_ref()));
    // It lives as long as the worker.
    heard.forget();
    send(&Event::Ready);
    Ok(())
}

fn listen(port: &MessagePort, hear: impl FnMut(MessageEvent) + 'static) {
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(hear);
    port.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    heard.forget();
}

struct State {
    session: RefCell<Session>,
    wake: MessagePort,
}

impl State {
    fn hear(&self, event: &MessageEvent) {
        let parts: Array = event.data().unchecked_into();
        let bytes = |part: JsValue| part.dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec());
        let Some(ask) = bytes(parts.get(0)).and_then(|json| serde_json::from_slice::<Request>(&json).ok()) else {
            return;
        };
        let payload = bytes(parts.get(1));
        let mut session = self.session.borrow_mut();
        let was_due = session.is_due();
        session.ask(ask, payload.as_deref(), &mut |tell| send(&tell));
        if !was_due && session.is_due() {
            self.wake();
        }
    }

    fn turn(&self) {
        let mut session = self.session.borrow_mut();
        let began = now();
        while session.is_due() && now() - began < TURN_MS {
            session.step(&mut |tell| send(&tell));
        }
        if session.is_due() {
            self.wake();
        }
    }

    fn wake(&self) {
        // It fails only where the worker is being ended.
        let _ = self.wake.post_message(&JsValue::NULL);
    }
}

/// Hands a message over; its bytes are not copied.
fn send(tell: &Event) {
    let Ok(json) = serde_json::to_vec(tell) else { return };
    let json = Uint8Array::from(json.as_slice());
    let (parts, handed) = (Array::of1(&json), Array::of1(&json.buffer()));
    if let Some(payload) = tell.payload() {
        let payload = Uint8Array::from(payload.as_slice());
        parts.push(&payload);
        handed.push(&payload.buffer());
    }
    let _ = scope().post_message_with_transfer(&parts, &handed);
}
