//! Saving the draft to the server.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use lifecycle::problem;

use super::{
    local_copy,
    state::{EditorState, SaveStatus},
};
use crate::{
    api::bundles::{self, Saved},
    components::{Button, ButtonKind, Notice, RelativeTime, Tone},
};

/// Saves again once the connection is back, if a save failed for lack of a connection.
pub fn retry_when_online(editor: EditorState) {
    let online = window_event_listener(leptos::ev::online, move |_| {
        if matches!(editor.save.status().get_untracked(), SaveStatus::Failed(_)) {
            start_save(editor);
        }
    });
    on_cleanup(move || online.remove());
}

/// Saves the draft, for callers that do not wait for the outcome.
pub fn start_save(editor: EditorState) {
    spawn_local(async move {
        let _ = save(editor).await;
    });
}

/// Saves the draft; true if the server has stored it.
pub async fn save(editor: EditorState) -> bool {
    editor.document.flush_source();
    if editor.document.unparsed_source().read_untracked().is_some() {
        editor.toasts().note("The source text cannot be read yet, so nothing was saved. It is kept on this device.");
        return false;
    }
    if editor.save.status().get_untracked() == SaveStatus::Saving {
        return false;
    }
    let sent = editor.document.content().get_untracked();
    let document = serde_json::to_string(&sent.to_source()).unwrap_or_default();
    editor.save.start();
    let answer = bundles::save_draft(editor.save.bundle_id(), editor.save.revision().get_untracked(), document).await;
    // The person may have gone to another page meanwhile.
    if editor.save.is_closed() {
        return false;
    }
    match answer {
        Ok(Saved::Done(record)) => {
            editor.document.mark_saved_as(sent, &record.version);
            editor.save.set_record(Arc::new(*record));
            editor.save.dismiss_restored();
            local_copy::store(editor);
            editor.save.finish();
            true
        }
        Ok(Saved::Stale(theirs)) => {
            editor.save.report_conflict(*theirs);
            false
        }
        Err(error) => {
            let offline = error.code() == problem::Code::Unavailable;
            let why =
                if offline { "there is no connection to the server".to_owned() } else { error.detail().to_owned() };
            editor.save.fail(why);
            local_copy::store(editor);
            false
        }
    }
}

/// The outcome of the last save, next to the heading.
#[component]
pub fn SaveStatusLine(editor: EditorState) -> impl IntoView {
    let updated_at = editor.save.record().with_untracked(|record| record.updated_at);
    let unsaved =
        Memo::new(move |_| editor.document.dirty().get() || editor.document.unparsed_source().read().is_some());
    let status = Memo::new(move |_| editor.save.status().get());
    move || {
        match (status.get(), unsaved.get()) {
        (SaveStatus::Saving, _) => view! { <span class="save-state" role="status">"Saving…"</span> }.into_any(),
        (SaveStatus::Failed(why), true) => view! {
            <span class="save-state is-bad" role="status">
                {format!("Not saved – kept on this device: {why}")}
            </span>
        }
        .into_any(),
        (_, true) => view! {
            <span class="save-state is-unsaved" role="status">
                {move || if editor.save.too_large().get() { "Unsaved changes, too large to keep on this device" } else { "Unsaved changes · kept on this device" }}
            </span>
        }
        .into_any(),
        (SaveStatus::NeverSaved, false) => view! {
            <span class="save-state muted" role="status">
                "Saved " <RelativeTime at=updated_at as_of=editor.save.as_of() />
            </span>
        }
        .into_any(),
        (_, false) => view! { <span class="save-state muted" role="status">"Saved"</span> }.into_any(),
    }
    }
}

/// The notice that edits of an earlier visit were restored.
#[component]
pub fn RestoredNotice(editor: EditorState) -> impl IntoView {
    let behind =
        Memo::new(move |_| editor.save.revision().get() != editor.save.record().with(|record| record.revision));
    let discard = move |_| {
        editor.document.clear_unparsed_source();
        editor.save.rebase();
        editor.replace_document(editor.document.saved(), "discard restored edits");
        editor.save.dismiss_restored();
        local_copy::store(editor);
    };
    view! {
        <Show when=move || editor.save.restored_at().read().is_some()>
            <Notice tone=Tone::Accent>
                <div class="spread">
                    <p>
                        <strong>"Your edits are back. "</strong>
                        "They had not reached the server and were kept on this device."
                        {move || behind.get().then_some(" Someone else has saved this draft since: you will be asked when you save.")}
                    </p>
                    <div class="row">
                        <Button small=true on_click=move |_| editor.save.dismiss_restored()>"Go on with them"</Button>
                        <Button small=true kind=ButtonKind::Ghost on_click=discard>"Discard them"</Button>
                    </div>
                </div>
            </Notice>
        </Show>
    }
}
