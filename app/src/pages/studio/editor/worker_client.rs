//! The connection to the worker: a web worker with a WebAssembly module of its own. Where there are no web workers, the
//! worker's session runs on the page, in slices between frames.

use std::{cell::RefCell, time::Duration};

use js_sys::{Array, Uint8Array};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};
use worker::{Event, Request, Session, session::ExactLimits};

/// The worker's script: a module, served as a static file.
const SCRIPT: &str = "/draft-worker.js";

/// How long one slice on the page may take, in milliseconds: less than a frame.
const SLICE_MS: f64 = 10.0;

/// Longest wait after a keystroke before slices begin, in milliseconds.
const MAX_WAIT_MS: f64 = 600.0;

/// Limits of the analysis on the page, which blocks typing: lower than those of a web worker.
const LIMITS_ON_PAGE: ExactLimits = ExactLimits { at_once: 250, at_all: 2_000 };

/// Maximum number of web workers started, since a broken one is replaced.
const MAX_STARTS: u32 = 3;

/// The handlers of a web worker, for its messages and its failure. JavaScript holds no reference that keeps them alive.
type Handlers = [Closure<dyn FnMut(JsValue)>; 2];

/// Bytes that are sent along with a message.
type Payload = Option<Uint8Array>;

thread_local! {
    /// At most one editor is open at a time.
    static CLIENT: RefCell<Option<Client>> = const { RefCell::new(None) };
}

struct Client {
    connection: Connection,
    on_event: Callback<Event>,
    /// How many web workers have been started.
    starts: u32,
    _handlers: Option<Handlers>,
}

enum Connection {
    /// A web worker that is still loading, and the requests that wait for it.
    Starting(Worker, Vec<(Request, Payload)>),
    /// A web worker that runs.
    Worker(Worker),
    /// No web worker: a session on the page.
    Page(Box<PageSession>),
}

struct PageSession {
    session: Session,
    next_slice: Option<TimeoutHandle>,
    /// The longest slice since the last edit, in milliseconds.
    longest_slice: f64,
}

/// Opens a session. Its events go to `on_event`. `start_session` is called when the session knows nothing yet and must
/// be sent everything: now, and each time a broken web worker has been replaced.
pub fn open(on_event: Callback<Event>, start_session: Callback<()>) {
    connect(on_event, start_session, 1);
    start_session.run(());
}

/// Ends the session.
pub fn close() {
    CLIENT.with_borrow_mut(|client| match client.take().map(|client| client.connection) {
        Some(Connection::Starting(worker, _) | Connection::Worker(worker)) => worker.terminate(),
        Some(Connection::Page(page)) => page.next_slice.iter().for_each(TimeoutHandle::clear),
        None => {}
    });
}

/// Sends a request with the bytes that belong to it. The bytes are transferred, not copied.
pub fn request(request: Request, payload: Payload) {
    let on_page = CLIENT.with_borrow_mut(|client| match client.as_mut().map(|client| &mut client.connection) {
        Some(Connection::Starting(_, waiting)) => {
            waiting.push((request, payload));
            None
        }
        Some(Connection::Worker(worker)) => {
            post(worker, &request, payload);
            None
        }
        Some(Connection::Page(_)) => Some((request, payload)),
        None => None,
    });
    if let Some((request, payload)) = on_page {
        run_on_page(request, payload);
    }
}

fn connect(on_event: Callback<Event>, start_session: Callback<()>, starts: u32) {
    close();
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let client = match Worker::new_with_options(SCRIPT, &options) {
        Ok(worker) if starts <= MAX_STARTS => {
            let message = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| on_message(&event.unchecked_into()));
            let error = Closure::<dyn FnMut(JsValue)>::new(move |_| on_error(on_event, start_session, starts));
            worker.set_onmessage(Some(message.as_ref().unchecked_ref()));
            worker.set_onerror(Some(error.as_ref().unchecked_ref()));
            let connection = Connection::Starting(worker, Vec::new());
            Client { connection, on_event, starts, _handlers: Some([message, error]) }
        }
        _ => Client { connection: page_connection(), on_event, starts, _handlers: None },
    };
    CLIENT.set(Some(client));
}

fn page_connection() -> Connection {
    let session = Session::new(now, LIMITS_ON_PAGE);
    Connection::Page(Box::new(PageSession { session, next_slice: None, longest_slice: 0.0 }))
}

/// Handles a message of the web worker: an event as JSON, with its payload.
fn on_message(message: &MessageEvent) {
    let parts: Array = message.data().unchecked_into();
    let bytes = |at| parts.get(at).dyn_into::<Uint8Array>().ok().map(|bytes: Uint8Array| bytes.to_vec());
    let Some(event) = bytes(0).and_then(|json| serde_json::from_slice::<Event>(&json).ok()) else { return };
    if matches!(event, Event::Ready) {
        CLIENT.with_borrow_mut(|client| {
            let Some(client) = client else { return };
            if let Connection::Starting(worker, waiting) = &mut client.connection {
                for (request, payload) in waiting.drain(..) {
                    post(worker, &request, payload);
                }
                client.connection = Connection::Worker(worker.clone());
            }
        });
        return;
    }
    let event = match bytes(1) {
        Some(payload) => event.with_payload(&payload),
        None => event,
    };
    deliver(vec![event]);
}

/// Handles the failure of a web worker. A worker that never started is replaced by a session on the page, which takes
/// over the waiting requests; a worker that broke later is replaced by another one, which is sent everything again.
fn on_error(on_event: Callback<Event>, start_session: Callback<()>, starts: u32) {
    let waiting = CLIENT.with_borrow_mut(|client| {
        let client = client.as_mut()?;
        let Connection::Starting(worker, waiting) = &mut client.connection else { return None };
        worker.terminate();
        let waiting = std::mem::take(waiting);
        client.connection = page_connection();
        Some(waiting)
    });
    match waiting {
        Some(waiting) => waiting.into_iter().for_each(|(request, payload)| run_on_page(request, payload)),
        // In a task of its own, because connecting drops the handler that is running now.
        None => set_timeout(
            move || {
                let unchanged =
                    CLIENT.with_borrow(|client| client.as_ref().is_some_and(|client| client.starts == starts));
                if unchanged {
                    connect(on_event, start_session, starts + 1);
                    start_session.run(());
                }
            },
            Duration::ZERO,
        ),
    }
}

fn post(worker: &Worker, request: &Request, payload: Payload) {
    let Ok(json) = serde_json::to_vec(request) else { return };
    let json = Uint8Array::from(json.as_slice());
    let (parts, transferred) = (Array::of1(&json), Array::of1(&json.buffer()));
    if let Some(payload) = payload {
        transferred.push(&payload.buffer());
        parts.push(&payload);
    }
    let _ = worker.post_message_with_transfer(&parts, &transferred);
}

/// Hands a request to the session on the page, and schedules the work that it causes.
fn run_on_page(request: Request, payload: Payload) {
    let edited = matches!(request, Request::Document { .. });
    let payload = payload.map(|payload| payload.to_vec());
    let mut events = Vec::new();
    let wait = CLIENT.with_borrow_mut(|client| {
        let Connection::Page(page) = &mut client.as_mut()?.connection else { return None };
        page.session.handle(request, payload.as_deref(), &mut |event| events.push(event));
        // A long slice is likely to recur after the next edit: wait for a longer pause in typing.
        let wait = match std::mem::take(&mut page.longest_slice) {
            _ if !edited => 0.0,
            longest if longest < 8.0 => 16.0,
            longest => (longest * 2.5).clamp(32.0, MAX_WAIT_MS),
        };
        Some(wait)
    });
    deliver(events);
    if let Some(wait) = wait {
        schedule_slice(wait);
    }
}

/// Schedules the next slice on the page, if work is due.
fn schedule_slice(wait_ms: f64) {
    CLIENT.with_borrow_mut(|client| {
        let Some(Connection::Page(page)) = client.as_mut().map(|client| &mut client.connection) else { return };
        page.next_slice.iter().for_each(TimeoutHandle::clear);
        let wait = Duration::from_millis(wait_ms as u64);
        page.next_slice = page.session.is_due().then(|| set_timeout_with_handle(run_slice, wait).ok()).flatten();
    });
}

/// Works on the page for one slice.
fn run_slice() {
    let mut events = Vec::new();
    CLIENT.with_borrow_mut(|client| {
        let Some(Connection::Page(page)) = client.as_mut().map(|client| &mut client.connection) else { return };
        let began = now();
        while page.session.is_due() && now() - began < SLICE_MS {
            page.session.step(&mut |event| events.push(event));
        }
        page.longest_slice = page.longest_slice.max(now() - began);
    });
    deliver(events);
    schedule_slice(0.0);
}

/// Calls the event handler, outside any borrow of the client: the handler may send requests.
fn deliver(events: Vec<Event>) {
    let on_event = CLIENT.with_borrow(|client| client.as_ref().map(|client| client.on_event));
    if let Some(on_event) = on_event {
        events.into_iter().for_each(|event| on_event.run(event));
    }
}

/// Milliseconds of the browser's monotonic clock. Called from handlers only, never while rendering.
fn now() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}
