//! Saving, and never losing what was typed: it is kept on the device until the server has it.

use std::{sync::Arc, time::Duration};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use lifecycle::{bundle::Record, problem};
use policy::bundle::{Source, diff::text_diff};
use serde::{Deserialize, Serialize};

use super::state::{EditorState, Saving};
use crate::{
    api::bundles::{self, Saved},
    components::{Button, ButtonKind, Dialog, Notice, RelativeTime, Tone},
    model::Content,
};

/// How long after the last keystroke it is kept on the device. Writing thousands of rules takes a while: then it waits
/// for a longer pause.
fn keep_after(rules: usize) -> Duration {
    Duration::from_millis(if rules < 1_000 { 300 } else { 1_500 })
}

/// What the device keeps of a draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// The revision it was made from.
    revision: i64,
    /// When, in milliseconds since 1970.
    at: f64,
    /// The document.
    document: Source,
    /// Source text that could not be read yet.
    unread: Option<String>,
}

/// The browser's storage; none on the server, where pages are cleaned up too, and where it is forbidden.
fn storage() -> Option<web_sys::Storage> {
    if cfg!(feature = "ssr") {
        return None;
    }
    window().local_storage().ok().flatten()
}

/// Keeps what is not saved on the device, gives it back after a reload, and asks before the page is left.
pub fn keep(desk: EditorState) {
    Effect::new(move |_| restore(desk));
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    Effect::new(move |first: Option<()>| {
        let rules = desk.content.with(|content| content.rules().len());
        desk.unread.track();
        desk.dirty.track();
        if first.is_none() {
            return;
        }
        if let Some(Some(handle)) = waiting.try_update_value(Option::take) {
            handle.clear();
        }
        waiting.set_value(set_timeout_with_handle(move || keep_now(desk), keep_after(rules)).ok());
    });
    let leaving = window_event_listener(leptos::ev::beforeunload, move |event| {
        if unsaved(desk) {
            keep_now(desk);
            event.prevent_default();
        }
    });
    let hiding = window_event_listener(leptos::ev::pagehide, move |_| keep_now(desk));
    // A save that failed for want of a connection is tried again when there is one.
    let back = window_event_listener(leptos::ev::online, move |_| {
        if matches!(desk.saving.get_untracked(), Saving::Failed(_)) {
            start(desk);
        }
    });
    on_cleanup(move || {
        leaving.remove();
        hiding.remove();
        back.remove();
        keep_now(desk);
        if let Some(Some(handle)) = waiting.try_update_value(Option::take) {
            handle.clear();
        }
    });
}

fn unsaved(desk: EditorState) -> bool {
    desk.editable && (desk.dirty.get_untracked() || desk.unread.read_untracked().is_some())
}

/// Writes what is not saved to the device, or removes what is saved by now.
fn keep_now(desk: EditorState) {
    let (Some(storage), true) = (storage(), desk.editable) else { return };
    let key = desk.shelf_key.get_value();
    if !unsaved(desk) {
        let _ = storage.remove_item(&key);
        return;
    }
    let kept = Kept {
        revision: desk.revision.get_untracked(),
        at: js_sys::Date::now(),
        document: desk.content.with_untracked(Content::to_source),
        unread: desk.unread.get_untracked(),
    };
    let written = serde_json::to_string(&kept).ok().is_some_and(|kept| storage.set_item(&key, &kept).is_ok());
    desk.too_large.set(!written);
}

/// Brings back what an earlier visit did not save.
fn restore(desk: EditorState) {
    if !desk.editable {
        return;
    }
    let kept = storage().and_then(|storage| storage.get_item(&desk.shelf_key.get_value()).ok().flatten());
    let Some(kept) = kept.and_then(|kept| serde_json::from_str::<Kept>(&kept).ok()) else { return };
    let content = desk.content.get_untracked();
    let mut next = content.clone();
    next.replace(kept.document);
    if next != content {
        desk.revision.set(kept.revision);
        desk.jump(next, "edits of an earlier visit");
        desk.restored.set(Some(kept.at));
    }
    if let Some(unread) = kept.unread {
        desk.unread.set(Some(unread));
        desk.main.set("source".to_owned());
        desk.restored.set(Some(kept.at));
    }
}

/// Saves what is on the page.
pub fn start(desk: EditorState) {
    spawn_local(async move {
        let _ = save(desk).await;
    });
}

/// Saves what is on the page; true when the server has it.
pub async fn save(desk: EditorState) -> bool {
    if let Some(flush) = desk.flush_source.get_value() {
        flush.run(());
    }
    if desk.unread.read_untracked().is_some() {
        desk.toasts().note("The source text cannot be read yet, so nothing was saved. It is kept on this device.");
        return false;
    }
    if desk.saving.get_untracked() == Saving::Now {
        return false;
    }
    let sent = desk.content.get_untracked();
    let document = serde_json::to_string(&sent.to_source()).unwrap_or_default();
    desk.saving.set(Saving::Now);
    let answer = bundles::save_draft(desk.bundle_id, desk.revision.get_untracked(), document).await;
    // The person may have gone to another page meanwhile.
    if desk.saving.is_disposed() {
        return false;
    }
    match answer {
        Ok(Saved::Done(record)) => {
            accept(desk, sent, *record);
            desk.saving.set(Saving::Done);
            true
        }
        Ok(Saved::Stale(theirs)) => {
            desk.saving.set(Saving::Failed("somebody else saved this draft first".to_owned()));
            desk.theirs.set(Some(Arc::new(*theirs)));
            false
        }
        Err(error) => {
            let away = error.code() == problem::Code::Unavailable;
            let why = if away { "there is no connection to the server".to_owned() } else { error.detail().to_owned() };
            desk.saving.set(Saving::Failed(why));
            keep_now(desk);
            false
        }
    }
}

/// The server has `sent` as `record`.
fn accept(desk: EditorState, sent: Content, record: Record) {
    let given = (sent.head().version.as_deref() != Some(record.version.as_str())).then(|| record.version.clone());
    desk.revision.set(record.revision);
    desk.editor.update(|editor| {
        let mut saved = sent;
        if let Some(version) = given {
            // The server chose the version: it is part of the document from now on.
            let mut now = editor.content().clone();
            now.edit_head(|head| head.version = Some(version.clone()));
            saved.edit_head(|head| head.version = Some(version));
            editor.jump(now, "version");
        }
        editor.mark_saved(saved);
    });
    desk.record.set(Arc::new(record));
    desk.restored.set(None);
    keep_now(desk);
}

/// How saving stands, beside the heading.
#[component]
pub fn SaveState(desk: EditorState) -> impl IntoView {
    let updated_at = desk.record.with_untracked(|record| record.updated_at);
    let unsaved = Memo::new(move |_| desk.dirty.get() || desk.unread.read().is_some());
    let state = Memo::new(move |_| desk.saving.get());
    move || {
        match (state.get(), unsaved.get()) {
        (Saving::Now, _) => view! { <span class="save-state" role="status">"Saving…"</span> }.into_any(),
        (Saving::Failed(why), true) => view! {
            <span class="save-state is-bad" role="status">
                {format!("Not saved – kept on this device: {why}")}
            </span>
        }
        .into_any(),
        (_, true) => view! {
            <span class="save-state is-unsaved" role="status">
                {move || if desk.too_large.get() { "Unsaved changes, too large to keep on this device" } else { "Unsaved changes · kept on this device" }}
            </span>
        }
        .into_any(),
        (Saving::Untouched, false) => view! {
            <span class="save-state muted" role="status">
                "Saved " <RelativeTime at=updated_at as_of=desk.as_of />
            </span>
        }
        .into_any(),
        (_, false) => view! { <span class="save-state muted" role="status">"Saved"</span> }.into_any(),
    }
    }
}

/// Says that edits of an earlier visit are back.
#[component]
pub fn Restored(desk: EditorState) -> impl IntoView {
    let behind = Memo::new(move |_| desk.revision.get() != desk.record.with(|record| record.revision));
    let discard = move |_| {
        desk.unread.set(None);
        desk.revision.set(desk.record.with_untracked(|record| record.revision));
        desk.jump(desk.editor.with_untracked(|editor| editor.saved().clone()), "discard restored edits");
        desk.restored.set(None);
        keep_now(desk);
    };
    view! {
        <Show when=move || desk.restored.read().is_some()>
            <Notice tone=Tone::Accent>
                <div class="spread">
                    <p>
                        <strong>"Your edits are back. "</strong>
                        "They had not reached the server and were kept on this device."
                        {move || behind.get().then_some(" Somebody else has saved this draft since: you will be asked when you save.")}
                    </p>
                    <div class="row">
                        <Button small=true on_click=move |_| desk.restored.set(None)>"Go on with them"</Button>
                        <Button small=true kind=ButtonKind::Ghost on_click=discard>"Discard them"</Button>
                    </div>
                </div>
            </Notice>
        </Show>
    }
}

/// The choice when somebody else saved first.
#[component]
pub fn StaleDialog(desk: EditorState) -> impl IntoView {
    let open = RwSignal::new(false);
    let navigate = use_navigate();
    Effect::new(move |_| open.set(desk.theirs.read().is_some()));
    Effect::new(move |_| {
        if !open.get() && desk.theirs.read_untracked().is_some() {
            desk.theirs.set(None);
        }
    });
    let summary = move || {
        let theirs = desk.theirs.get()?;
        let base = desk.editor.with_untracked(|editor| editor.saved().to_source());
        let mine = desk.content.with_untracked(Content::to_source);
        Some((text_diff(&base, &Source::from(&*theirs)).summary, text_diff(&base, &mine).summary))
    };
    let keep_mine = move |_| {
        let Some(theirs) = desk.theirs.get_untracked() else { return };
        desk.revision.set(theirs.revision);
        desk.editor.update(|editor| editor.mark_saved(Content::new(Source::from(&*theirs))));
        desk.record.set(theirs);
        open.set(false);
        spawn_local(async move {
            if save(desk).await {
                desk.toasts().good("Your version was saved over theirs.");
            }
        });
    };
    let take_theirs = move |_| {
        let Some(theirs) = desk.theirs.get_untracked() else { return };
        let mut next = desk.content.get_untracked();
        next.replace(Source::from(&*theirs));
        desk.jump(next.clone(), "take theirs");
        desk.editor.update(|editor| editor.mark_saved(next));
        desk.revision.set(theirs.revision);
        desk.record.set(theirs);
        desk.saving.set(Saving::Done);
        open.set(false);
        keep_now(desk);
        desk.toasts().note("This is their version now. Undo brings yours back.");
    };
    let open_mine = move |_| {
        let mut source = desk.content.with_untracked(Content::to_source);
        // Both cannot have the same number.
        source.version = None;
        let document = serde_json::to_string(&source).unwrap_or_default();
        let navigate = navigate.clone();
        spawn_local(async move {
            match bundles::create_draft(document).await {
                Ok(id) => {
                    desk.editor.update(|editor| {
                        let mine = editor.content().clone();
                        editor.mark_saved(mine);
                    });
                    keep_now(desk);
                    navigate(&format!("/studio/{id}"), leptos_router::NavigateOptions::default());
                }
                Err(error) => desk.toasts().bad(&error),
            }
        });
    };
    view! {
        <Dialog open=open id="stale" title="Somebody else saved this draft first">
            {move || {
                summary()
                    .map(|(theirs, mine)| {
                        view! {
                            <p>"Nothing was overwritten. Since you opened it:"</p>
                            <ul class="plain">
                                <li><strong>"They: "</strong>{theirs}</li>
                                <li><strong>"You: "</strong>{mine}</li>
                            </ul>
                        }
                    })
            }}
            <div class="dialog-foot">
                <Button on_click=take_theirs>"Take theirs"</Button>
                <Button on_click=open_mine>"Open mine as a new draft"</Button>
                <Button kind=ButtonKind::Danger on_click=keep_mine>"Keep mine, overwrite theirs"</Button>
            </div>
        </Dialog>
    }
}
