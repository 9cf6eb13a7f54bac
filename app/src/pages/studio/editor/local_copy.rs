//! The copy of unsaved edits on this device, so that nothing typed is lost before the server has stored it.

use std::time::Duration;

use leptos::prelude::*;
use policy::bundle::Source;
use serde::{Deserialize, Serialize};

use super::state::{EditorState, MainTab};
use crate::{model::Content, pages::studio::debounce::Debounce};

/// The stored copy of a draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LocalCopy {
    /// The revision the edits are based on.
    revision: i64,
    /// When the copy was stored, in milliseconds since 1970.
    at: f64,
    /// The document.
    document: Source,
    /// Source text that could not be parsed yet.
    unread: Option<String>,
}

/// How long after the last keystroke the copy is stored. Writing thousands of rules takes a while, so a long document
/// waits for a longer pause.
fn delay(rules: usize) -> Duration {
    Duration::from_millis(if rules < 1_000 { 300 } else { 1_500 })
}

/// The browser's storage; `None` where storage is forbidden, and on the server, where pages are cleaned up too.
fn storage() -> Option<web_sys::Storage> {
    if cfg!(feature = "ssr") {
        return None;
    }
    window().local_storage().ok().flatten()
}

/// Stores unsaved edits on this device, restores them after a reload, and asks before the page is left.
pub fn keep_unsaved_edits(editor: EditorState) {
    Effect::new(move |_| restore(editor));
    let storing = Debounce::new();
    Effect::new(move |first: Option<()>| {
        let rules = editor.document.content().with(|content| content.rules().len());
        editor.document.unparsed_source().track();
        editor.document.dirty().track();
        if first.is_none() {
            return;
        }
        storing.schedule(delay(rules), move || store(editor));
    });
    let leaving = window_event_listener(leptos::ev::beforeunload, move |event| {
        if editor.document.has_unsaved_changes() {
            store(editor);
            event.prevent_default();
        }
    });
    let hiding = window_event_listener(leptos::ev::pagehide, move |_| store(editor));
    on_cleanup(move || {
        leaving.remove();
        hiding.remove();
        store(editor);
        storing.cancel();
    });
}

/// Stores unsaved edits on this device, or removes the copy when everything is saved.
pub fn store(editor: EditorState) {
    let (Some(storage), true) = (storage(), editor.document.is_editable()) else { return };
    let key = editor.save.storage_key();
    if !editor.document.has_unsaved_changes() {
        let _ = storage.remove_item(&key);
        return;
    }
    let copy = LocalCopy {
        revision: editor.save.revision().get_untracked(),
        at: js_sys::Date::now(),
        document: editor.document.content().with_untracked(Content::to_source),
        unread: editor.document.unparsed_source().get_untracked(),
    };
    let stored = serde_json::to_string(&copy).ok().is_some_and(|copy| storage.set_item(&key, &copy).is_ok());
    editor.save.note_local_copy(stored);
}

/// Restores the edits of an earlier visit that were not saved.
fn restore(editor: EditorState) {
    if !editor.document.is_editable() {
        return;
    }
    let copy = storage().and_then(|storage| storage.get_item(&editor.save.storage_key()).ok().flatten());
    let Some(copy) = copy.and_then(|copy| serde_json::from_str::<LocalCopy>(&copy).ok()) else { return };
    let content = editor.document.content().get_untracked();
    let mut next = content.clone();
    next.replace(copy.document);
    if next != content {
        editor.save.restore_revision(copy.revision);
        editor.replace_document(next, "edits of an earlier visit");
        editor.save.note_restored(copy.at);
    }
    if let Some(unread) = copy.unread {
        editor.document.keep_unparsed_source(unread);
        editor.panes.open_main(MainTab::Source);
        editor.save.note_restored(copy.at);
    }
}
