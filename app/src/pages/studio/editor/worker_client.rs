//! The way to what is worked out beside the page: a web worker with a WebAssembly module of its own. Where there are no
//! workers, the same session runs here, in slices between frames.

use std::{cell::RefCell, time::Duration};

use js_sys::{Array, Uint8Array};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};
use worker::{Event, Request, Session, session::ExactLimits};

/// The worker's script; a module, served like everything else.
const SCRIPT: &str = "/beside.js";

/// How long one slice on the page itself may take, in milliseconds: less than a frame.
const SLICE_MS: f64 = 10.0;

/// Longest wait after a keystroke before slices begin, in milliseconds.
const MAX_WAIT_MS: f64 = 600.0;

/// What is analysed on the page itself holds typing up, so it is less.
const EXACT_HERE: ExactLimits = ExactLimits { at_once: 250, at_all: 2_000 };

/// How often a worker that broke is replaced.
const MOST_STARTS: u32 = 3;

/// What hears a worker: what it tells, and that it broke.
type Hearers = [Closure<dyn FnMut(JsValue)>; 2];

/// Bytes that stand beside a message.
type Payload = Option<Uint8Array>;

thread_local! {
    /// One editor is open at a time.
    static SIDE: RefCell<Option<Side>> = const { RefCell::new(None) };
}

struct Side {
    way: Way,
    /// Hears what is told.
    hear: Callback<Event>,
    starts: u32,
    // They live as long as the worker does.
    _heard: Option<Hearers>,
}

enum Way {
    /// A worker that is still loading, and what waits for it.
    Starting(Worker, Vec<(Request, Payload)>),
    /// A worker.
    There(Worker),
    /// No worker: the session itself, and its next turn.
    Here(Box<Here>),
}

struct Here {
    session: Session,
    next: Option<TimeoutHandle>,
    /// The longest slice since the last edit, in milliseconds.
    longest: f64,
}

/// Opens a session; what it tells goes to `hear`, and `begin` is called when it has to be told everything from the start,
/// now and whenever the worker broke.
pub fn open(hear: Callback<Event>, begin: Callback<()>) {
    start(hear, begin, 1);
    begin.run(());
}

/// Ends the session.
pub fn close() {
    SIDE.with_borrow_mut(|side| match side.take().map(|side| side.way) {
        Some(Way::Starting(worker, _) | Way::There(worker)) => worker.terminate(),
        Some(Way::Here(here)) => here.next.iter().for_each(TimeoutHandle::clear),
        None => {}
    });
}

/// Asks, with the bytes that belong to the message; those are handed over, not copied.
pub fn ask(ask: Request, payload: Payload) {
    let here = SIDE.with_borrow_mut(|side| match side.as_mut().map(|side| &mut side.way) {
        Some(Way::Starting(_, waiting)) => {
            waiting.push((ask, payload));
            None
        }
        Some(Way::There(worker)) => {
            post(worker, &ask, payload);
            None
        }
        Some(Way::Here(_)) => Some((ask, payload)),
        None => None,
    });
    if let Some((ask, payload)) = here {
        ask_here(ask, payload);
    }
}

fn start(hear: Callback<Event>, begin: Callback<()>, starts: u32) {
    close();
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let side = match Worker::new_with_options(SCRIPT, &options) {
        Ok(worker) if starts <= MOST_STARTS => {
            let heard = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| heard(&event.unchecked_into()));
            let broke = Closure::<dyn FnMut(JsValue)>::new(move |_| broke(hear, begin, starts));
            worker.set_onmessage(Some(heard.as_ref().unchecked_ref()));
            worker.set_onerror(Some(broke.as_ref().unchecked_ref()));
            Side { way: Way::Starting(worker, Vec::new()), hear, starts, _heard: Some([heard, broke]) }
        }
        _ => Side { way: here(), hear, starts, _heard: None },
    };
    SIDE.set(Some(side));
}

fn here() -> Way {
    Way::Here(Box::new(Here { session: Session::new(now, EXACT_HERE), next: None, longest: 0.0 }))
}

fn heard(event: &MessageEvent) {
    let parts: Array = event.data().unchecked_into();
    let bytes = |at| parts.get(at).dyn_into::<Uint8Array>().ok().map(|bytes: Uint8Array| bytes.to_vec());
    let Some(tell) = bytes(0).and_then(|json| serde_json::from_slice::<Event>(&json).ok()) else { return };
    if matches!(tell, Event::Ready) {
        SIDE.with_borrow_mut(|side| {
            let Some(side) = side else { return };
            if let Way::Starting(worker, waiting) = &mut side.way {
                for (ask, payload) in waiting.drain(..) {
                    post(worker, &ask, payload);
                }
                side.way = Way::There(worker.clone());
            }
        });
        return;
    }
    let hear = SIDE.with_borrow(|side| side.as_ref().map(|side| side.hear));
    if let Some(hear) = hear {
        hear.run(match bytes(1) {
            Some(payload) => tell.with_payload(&payload),
            None => tell,
        });
    }
}

/// A worker that never began is none; one that broke later is replaced and told everything again.
fn broke(hear: Callback<Event>, begin: Callback<()>, starts: u32) {
    let waiting = SIDE.with_borrow_mut(|side| {
        let side = side.as_mut()?;
        let Way::Starting(worker, waiting) = &mut side.way else { return None };
        worker.terminate();
        let waiting = std::mem::take(waiting);
        side.way = here();
        Some(waiting)
    });
    match waiting {
        Some(waiting) => waiting.into_iter().for_each(|(ask, payload)| ask_here(ask, payload)),
        // Not from within its own handler, which goes with it.
        None => set_timeout(
            move || {
                if SIDE.with_borrow(|side| side.as_ref().is_some_and(|side| side.starts == starts)) {
                    start(hear, begin, starts + 1);
                    begin.run(());
                }
            },
            Duration::ZERO,
        ),
    }
}

fn post(worker: &Worker, ask: &Request, payload: Payload) {
    let Ok(json) = serde_json::to_vec(ask) else { return };
    let json = Uint8Array::from(json.as_slice());
    let (parts, handed) = (Array::of1(&json), Array::of1(&json.buffer()));
    if let Some(payload) = payload {
        handed.push(&payload.buffer());
        parts.push(&payload);
    }
    let _ = worker.post_message_with_transfer(&parts, &handed);
}

fn ask_here(ask: Request, payload: Payload) {
    let edited = matches!(ask, Request::Document { .. });
    let payload = payload.map(|payload| payload.to_vec());
    let mut told = Vec::new();
    let wait = SIDE.with_borrow_mut(|side| {
        let Way::Here(here) = &mut side.as_mut()?.way else { return None };
        here.session.handle(ask, payload.as_deref(), &mut |tell| told.push(tell));
        // What held the page up once will do so again: wait for a longer pause.
        let wait = match std::mem::take(&mut here.longest) {
            _ if !edited => 0.0,
            longest if longest < 8.0 => 16.0,
            longest => (longest * 2.5).clamp(32.0, MAX_WAIT_MS),
        };
        Some(wait)
    });
    tell(told);
    if let Some(wait) = wait {
        turn_later(wait);
    }
}

fn turn_later(wait_ms: f64) {
    SIDE.with_borrow_mut(|side| {
        let Some(Way::Here(here)) = side.as_mut().map(|side| &mut side.way) else { return };
        here.next.iter().for_each(TimeoutHandle::clear);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a second")]
        let wait = Duration::from_millis(wait_ms as u64);
        here.next = here.session.is_due().then(|| set_timeout_with_handle(turn, wait).ok()).flatten();
    });
}

/// One slice on the page itself.
fn turn() {
    let mut told = Vec::new();
    SIDE.with_borrow_mut(|side| {
        let Some(Way::Here(here)) = side.as_mut().map(|side| &mut side.way) else { return };
        let began = now();
        while here.session.is_due() && now() - began < SLICE_MS {
            here.session.step(&mut |tell| told.push(tell));
        }
        here.longest = here.longest.max(now() - began);
    });
    tell(told);
    turn_later(0.0);
}

fn tell(told: Vec<Event>) {
    let hear = SIDE.with_borrow(|side| side.as_ref().map(|side| side.hear));
    if let Some(hear) = hear {
        told.into_iter().for_each(|tell| hear.run(tell));
    }
}

/// Milliseconds on the browser's own watch. Called from handlers only, never while rendering.
fn now() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}
