//! The connection to the worker: a web worker with a WebAssembly module of its own. Where there are no web workers, the
//! same module runs on the page. The page itself contains none of the analysis.

use std::{cell::RefCell, collections::HashMap, time::Duration};

use js_sys::{Array, Uint8Array};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{CustomEvent, MessageEvent, MessagePort, Worker, WorkerOptions, WorkerType};
use worker::{Event, Question, Request, Response};

/// The worker's script: a module, served as a static file.
const SCRIPT: &str = "/draft-worker.js";

/// The script that runs the worker's module on the page.
const SCRIPT_ON_PAGE: &str = "/draft-page.js";

/// The id of that script's element.
const PAGE_SCRIPT_ID: &str = "draft-page";

/// The event with which that script hands over a channel to a new session.
const SESSION: &str = "draft-session";

/// The event that asks it for another session, once it is loaded.
const SESSION_WANTED: &str = "draft-session-wanted";

/// Maximum number of web workers started, since a broken one is replaced.
const MAX_STARTS: u32 = 3;

/// The handlers of a connection. JavaScript holds no reference that keeps them alive.
type Handlers = [Closure<dyn FnMut(JsValue)>; 2];

/// Bytes that are sent along with a message.
type Payload = Option<Uint8Array>;

thread_local! {
    /// At most one editor is open at a time.
    static CLIENT: RefCell<Option<Client>> = const { RefCell::new(None) };
}

struct Client {
    channel: Channel,
    /// Requests that wait until the worker has started; `None` afterwards.
    waiting: Option<Vec<(Request, Payload)>>,
    on_event: Callback<Event>,
    /// How many web workers have been started.
    starts: u32,
    /// Callers that wait for an answer, by the number of their question.
    asked: HashMap<u32, Callback<Response>>,
    questions: u32,
    handlers: Handlers,
}

/// Where messages go.
enum Channel {
    /// A web worker.
    Worker(Worker),
    /// A session on the page; `None` until its script has handed over the port.
    Page(Option<MessagePort>),
}

impl Channel {
    fn post(&self, request: &Request, payload: Payload) {
        let Ok(json) = serde_json::to_vec(request) else { return };
        let json = Uint8Array::from(json.as_slice());
        let (parts, transferred) = (Array::of1(&json), Array::of1(&json.buffer()));
        if let Some(payload) = payload {
            transferred.push(&payload.buffer());
            parts.push(&payload);
        }
        // Fails only when a buffer was transferred before.
        let _ = match self {
            Self::Worker(worker) => worker.post_message_with_transfer(&parts, &transferred),
            Self::Page(Some(port)) => port.post_message_with_transferable(&parts, &transferred),
            Self::Page(None) => Ok(()),
        };
    }

    fn close(&self) {
        match self {
            Self::Worker(worker) => worker.terminate(),
            Self::Page(Some(port)) => port.close(),
            Self::Page(None) => {}
        }
    }
}

/// Opens a session. Its events go to `on_event`. `start_session` is called when the session knows nothing yet and must
/// be sent everything: now, and each time a broken web worker has been replaced.
pub fn open(on_event: Callback<Event>, start_session: Callback<()>) {
    connect(on_event, start_session, 1);
    start_session.run(());
}

/// Ends the session.
pub fn close() {
    if let Some(client) = CLIENT.take() {
        client.channel.close();
    }
}

/// Sends a request with the bytes that belong to it. The bytes are transferred, not copied.
pub fn request(request: Request, payload: Payload) {
    CLIENT.with_borrow_mut(|client| match client {
        Some(Client { waiting: Some(waiting), .. }) => waiting.push((request, payload)),
        Some(client) => client.channel.post(&request, payload),
        None => {}
    });
}

/// Asks a question about the draft. `on_answer` is not called when the session ends before the answer.
pub fn ask(question: Question, on_answer: Callback<Response>) {
    let number = CLIENT.with_borrow_mut(|client| {
        let client = client.as_mut()?;
        client.questions += 1;
        client.asked.insert(client.questions, on_answer);
        Some(client.questions)
    });
    if let Some(number) = number {
        request(Request::Ask(number, question), None);
    }
}

fn connect(on_event: Callback<Event>, start_session: Callback<()>, starts: u32) {
    close();
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let message = Closure::<dyn FnMut(JsValue)>::new(|event: JsValue| on_message(&event.unchecked_into()));
    let error = Closure::<dyn FnMut(JsValue)>::new(move |_| on_error(on_event, start_session, starts));
    let worker = if starts <= MAX_STARTS { Worker::new_with_options(SCRIPT, &options).ok() } else { None };
    if let Some(worker) = &worker {
        worker.set_onmessage(Some(message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(error.as_ref().unchecked_ref()));
    }
    let (channel, on_page) = match worker {
        Some(worker) => (Channel::Worker(worker), false),
        None => (Channel::Page(None), true),
    };
    let (waiting, handlers) = (Some(Vec::new()), [message, error]);
    CLIENT.set(Some(Client { channel, waiting, on_event, starts, asked: HashMap::new(), questions: 0, handlers }));
    if on_page {
        start_on_page();
    }
}

/// Starts a session on the page: its script answers with the event [`SESSION`].
fn start_on_page() {
    let on_session = Closure::once_into_js(|event: CustomEvent| on_session(event.detail().unchecked_into()));
    let listener: &js_sys::Function = on_session.unchecked_ref();
    let options = web_sys::AddEventListenerOptions::new();
    options.set_once(true);
    let _ = window().add_event_listener_with_callback_and_add_event_listener_options(SESSION, listener, &options);
    if document().get_element_by_id(PAGE_SCRIPT_ID).is_some() {
        if let Ok(wanted) = web_sys::Event::new(SESSION_WANTED) {
            let _ = window().dispatch_event(&wanted);
        }
        return;
    }
    let (Ok(script), Some(body)) = (document().create_element("script"), document().body()) else { return };
    let attributes = [("id", PAGE_SCRIPT_ID), ("type", "module"), ("src", SCRIPT_ON_PAGE)];
    if attributes.iter().all(|(name, value)| script.set_attribute(name, value).is_ok()) {
        let _ = body.append_child(&script);
    }
}

/// Takes the page's end of the channel to a session on the page.
fn on_session(port: MessagePort) {
    CLIENT.with_borrow_mut(|client| match client {
        Some(Client { channel: Channel::Page(channel @ None), handlers: [message, _], .. }) => {
            port.set_onmessage(Some(message.as_ref().unchecked_ref()));
            *channel = Some(port);
        }
        // The editor was left meanwhile.
        _ => port.close(),
    });
}

/// Handles a message of the worker: an event as JSON, with its payload.
fn on_message(message: &MessageEvent) {
    let parts: Array = message.data().unchecked_into();
    let bytes = |at| parts.get(at).dyn_into::<Uint8Array>().ok().map(|bytes: Uint8Array| bytes.to_vec());
    let Some(event) = bytes(0).and_then(|json| serde_json::from_slice::<Event>(&json).ok()) else { return };
    match event {
        Event::Ready => CLIENT.with_borrow_mut(|client| {
            let Some(client) = client else { return };
            for (request, payload) in client.waiting.take().unwrap_or_default() {
                client.channel.post(&request, payload);
            }
        }),
        Event::Answered(number, answer) => {
            let asked = CLIENT.with_borrow_mut(|client| client.as_mut()?.asked.remove(&number));
            if let Some(on_answer) = asked {
                on_answer.run(*answer);
            }
        }
        event => deliver(match bytes(1) {
            Some(payload) => event.with_payload(&payload),
            None => event,
        }),
    }
}

/// Handles the failure of a web worker. A worker that never started is replaced by a session on the page, which takes
/// over the waiting requests; a worker that broke later is replaced by another one, which is sent everything again.
fn on_error(on_event: Callback<Event>, start_session: Callback<()>, starts: u32) {
    let never_started = CLIENT.with_borrow_mut(|client| {
        let client = client.as_mut().filter(|client| client.waiting.is_some())?;
        client.channel.close();
        client.channel = Channel::Page(None);
        Some(())
    });
    if never_started.is_some() {
        start_on_page();
        return;
    }
    // In a task of its own, because connecting drops the handler that is running now.
    set_timeout(
        move || {
            let unchanged = CLIENT.with_borrow(|client| client.as_ref().is_some_and(|client| client.starts == starts));
            if unchanged {
                connect(on_event, start_session, starts + 1);
                start_session.run(());
            }
        },
        Duration::ZERO,
    );
}

/// Calls the event handler, outside any borrow of the client: the handler may send requests.
fn deliver(event: Event) {
    let on_event = CLIENT.with_borrow(|client| client.as_ref().map(|client| client.on_event));
    if let Some(on_event) = on_event {
        on_event.run(event);
    }
}
