//! Keeps the worker in step with the document: sends each change, and records results for the current document in
//! [`EditorState::results`].

use leptos::prelude::*;
use policy::bundle::schema::Schema;
use worker::{Event, Request};

use super::{
    state::{EditorState, checked::Checked},
    worker_client,
};
use crate::{
    components::format,
    model::{Edit, content::SentDocument},
};

/// The mark in the browser's performance timeline that says that all results of an edit are shown.
const SETTLED: &str = "draft-settled";

/// Connects to the worker and follows the document. Call once, in the page.
pub fn follow_document(editor: EditorState) {
    let sent = StoredValue::new(SentDocument::default());
    Effect::new(move |_| {
        let on_event = Callback::new(move |event| record_event(editor, sent, event));
        worker_client::open(on_event, Callback::new(move |()| start_session(editor, sent)));
    });
    Effect::new(move |_| {
        let content = editor.document.content().get();
        // A session starts with the whole document, so nothing is sent before the first one.
        if editor.results.sessions().get() == 0 {
            return;
        }
        let change = sent.try_update_value(|sent| sent.change(&content));
        if let Some((serial, change)) = change.flatten() {
            worker_client::request(Request::Document { serial, change }, None);
        }
    });
    on_cleanup(worker_client::close);
}

/// Sends a new session the baseline of the draft's checks. Everything else is sent by the code that tracks
/// [`Results::sessions`](super::state::Results::sessions).
fn start_session(editor: EditorState, sent: StoredValue<SentDocument>) {
    let baseline = editor.results.baseline();
    let stable = baseline.stable.map(|stable| (stable.version.clone(), Box::new(stable.source.clone())));
    let (taken, invariants) = (baseline.taken.to_vec(), baseline.invariants.to_vec());
    worker_client::request(Request::Open { stable, taken, invariants }, None);
    sent.set_value(SentDocument::default());
    editor.results.record_session();
}

/// Records a result, unless the document has changed since.
fn record_event(editor: EditorState, sent: StoredValue<SentDocument>, event: Event) {
    let results = editor.results;
    let current = |serial: u32| sent.try_with_value(|sent| sent.serial() == serial).unwrap_or_default();
    match event {
        Event::Checked(serial, checked) if current(serial) => {
            let Some(content) = sent.try_with_value(|sent| sent.content().cloned()).flatten() else { return };
            results.record_checked(Checked::new(content, *checked));
        }
        Event::Compared(serial, diff, skipped) if current(serial) => {
            results.record_diff(diff.map(|diff| *diff), skipped)
        }
        Event::Unreachable(serial, unreachable) if current(serial) => results.record_unreachable(unreachable),
        Event::Progress(done, total) => results.record_progress(done, total),
        Event::Replayed(serial, replayed) if current(serial) => {
            results.record_replay(*replayed);
            mark_settled();
        }
        Event::Tested(serial, tested) if current(serial) => results.record_tests(*tested),
        Event::Swept(serial, curve) if current(serial) => results.record_sweep(*curve),
        Event::Loaded(dataset, cases, _) => results.record_dataset(dataset, Ok(cases)),
        Event::Refused(dataset, why) => results.record_dataset(dataset, Err(why)),
        Event::Case(Some(input)) => editor.panes.set_input(*input),
        Event::Learned(schema, decisions) => write_learned_schema(editor, schema, decisions),
        _ => {}
    }
}

/// Puts the learned schema into the document.
fn write_learned_schema(editor: EditorState, schema: Option<serde_json::Value>, decisions: usize) {
    editor.results.finish_learning_schema();
    let parsed = Schema::parse(schema.as_ref().unwrap_or(&serde_json::Value::Null));
    let (Some(schema), Ok(parsed)) = (schema, parsed) else {
        editor.toasts().note("No recorded decision says anything that a schema can declare.");
        return;
    };
    let fields: usize = parsed.agents.values().map(|agent| agent.fields.len()).sum();
    if editor.document.try_edit(&Edit::Schema(Some(schema))) {
        editor.toasts().good(format!(
            "Learned {} of {} from {}. Undo takes it back.",
            format::plural(fields as u64, "field", "fields"),
            format::plural(parsed.agents.len() as u64, "agent", "agents"),
            format::plural(decisions as u64, "decision", "decisions"),
        ));
    } else {
        editor.toasts().note("The schema says that already.");
    }
}

/// Marks in the browser's performance timeline that all results of an edit are shown.
fn mark_settled() {
    if let Some(performance) = window().performance() {
        performance.clear_marks_with_mark_name(SETTLED);
        let _ = performance.mark(SETTLED);
    }
}
