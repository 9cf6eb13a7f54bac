//! The editor's keyboard shortcuts. Single letters work only outside fields.

use leptos::{ev::KeyboardEvent, prelude::*};
use wasm_bindgen::JsCast;

use super::{
    paste_rules::in_field,
    saving::start_save,
    state::{EditorState, MainTab, RowStep},
};
use crate::model::{Edit, order::Direction};

/// Listens while the editor is open. The frame's listener runs first, for its two-key shortcuts (`g a`).
pub fn listen(editor: EditorState) {
    Effect::new(move |_| {
        let listener = window_event_listener(leptos::ev::keydown, move |event| {
            if pressed(editor, &event) {
                event.prevent_default();
            }
        });
        on_cleanup(move || listener.remove());
    });
}

/// Acts on a key; true if the key is a shortcut of the editor.
fn pressed(editor: EditorState, event: &KeyboardEvent) -> bool {
    let dialog_open = document().query_selector("dialog[open]").ok().flatten().is_some();
    if dialog_open || event.default_prevented() {
        return false;
    }
    let key = event.key();
    let command = event.ctrl_key() || event.meta_key();
    let writing = in_field(event);
    if command {
        return match key.to_lowercase().as_str() {
            "s" if !event.shift_key() => {
                if editor.document.is_editable() {
                    start_save(editor);
                }
                true
            }
            // Source text has the browser's own undo, keystroke by keystroke.
            "z" if !in_source(event) => {
                if event.shift_key() {
                    editor.redo()
                } else {
                    editor.undo()
                }
                true
            }
            "y" if !in_source(event) => {
                editor.redo();
                true
            }
            _ => false,
        };
    }
    if event.alt_key() {
        let direction = match key.as_str() {
            "ArrowUp" => Direction::Up,
            "ArrowDown" => Direction::Down,
            _ => return false,
        };
        let keys = editor.selection.targets();
        if keys.is_empty() {
            return false;
        }
        if editor.document.try_edit(&Edit::Move { keys, direction }) {
            editor.selection.reveal_selected();
        }
        return true;
    }
    if key == "Escape" {
        return escape(editor, writing);
    }
    if writing || editor.panes.main().get_untracked() != MainTab::Rules {
        return false;
    }
    match key.as_str() {
        "j" => editor.step(RowStep::Next),
        "k" => editor.step(RowStep::Previous),
        "a" | "A" if editor.document.is_editable() => {
            editor.add_rule();
            focus_form();
        }
        "x" if editor.document.is_editable() => {
            let Some(selected) = editor.selection.selected().get_untracked() else { return false };
            editor.selection.toggle_mark(selected);
        }
        "/" => focus("#rules-filter"),
        "Enter" if editor.selection.selected().get_untracked().is_some() && !on_control(event) => focus_form(),
        _ => return false,
    }
    true
}

/// Leaves the field; otherwise closes the form; otherwise clears the marks; otherwise clears the filter.
fn escape(editor: EditorState, writing: bool) -> bool {
    if writing {
        if let Some(active) = document().active_element().and_then(|a| a.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = active.blur();
        }
        return true;
    }
    if editor.selection.selected().get_untracked().is_some() {
        editor.deselect();
        return true;
    }
    if editor.selection.marked().with_untracked(|marked| !marked.is_empty()) {
        editor.selection.clear_marks();
        return true;
    }
    if editor.selection.filter().with_untracked(|filter| !filter.is_empty()) {
        editor.selection.set_filter(String::new());
        return true;
    }
    false
}

fn in_source(event: &KeyboardEvent) -> bool {
    matches(event, ".source-text, #one-context")
}

/// Whether Enter activates the element that has the focus.
fn on_control(event: &KeyboardEvent) -> bool {
    matches(event, "button, a, summary, [role=tab]")
}

fn matches(event: &KeyboardEvent, selector: &str) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|target| target.closest(selector).ok().flatten().is_some())
}

/// Focuses the form of the selected rule.
fn focus_form() {
    request_animation_frame(|| focus("#rule-id"));
}

fn focus(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(field) = found.and_then(|field| field.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = field.focus();
    }
}
