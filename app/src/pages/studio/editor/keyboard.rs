//! The keys of the editor. Single letters work outside of fields only.

use leptos::{ev::KeyboardEvent, prelude::*};
use wasm_bindgen::JsCast;

use super::{
    paste_rules::in_field,
    saving::start,
    state::{EditorState, Step},
};
use crate::model::{Edit, order::Direction};

/// Listens while the editor is open, after the frame, whose two-key jumps (`g a`) come first.
pub fn listen(desk: EditorState) {
    Effect::new(move |_| {
        let listener = window_event_listener(leptos::ev::keydown, move |event| {
            if pressed(desk, &event) {
                event.prevent_default();
            }
        });
        on_cleanup(move || listener.remove());
    });
}

/// Acts on a key; true when it was one of ours.
fn pressed(desk: EditorState, event: &KeyboardEvent) -> bool {
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
                if desk.editable {
                    start(desk);
                }
                true
            }
            // The source has the browser's own undo, keystroke by keystroke.
            "z" if !in_source(event) => {
                if event.shift_key() {
                    desk.redo()
                } else {
                    desk.undo()
                }
                true
            }
            "y" if !in_source(event) => {
                desk.redo();
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
        let keys = desk.targets();
        if keys.is_empty() {
            return false;
        }
        if desk.edit(&Edit::Move { keys, direction }) {
            desk.reveal.set(desk.selected.get_untracked());
        }
        return true;
    }
    if key == "Escape" {
        return escape(desk, writing);
    }
    if writing || desk.main.with_untracked(|tab| tab != "rules") {
        return false;
    }
    match key.as_str() {
        "j" => desk.step(Step::On),
        "k" => desk.step(Step::Back),
        "a" | "A" if desk.editable => {
            desk.add_rule();
            focus_form();
        }
        "x" if desk.editable => {
            let Some(selected) = desk.selected.get_untracked() else { return false };
            desk.marked.update(|marked| {
                if !marked.remove(&selected) {
                    marked.insert(selected);
                }
            });
        }
        "/" => focus("#rules-filter"),
        "Enter" if desk.selected.get_untracked().is_some() && !on_control(event) => focus_form(),
        _ => return false,
    }
    true
}

/// Leaves the field, then the form, then the marks and the filter.
fn escape(desk: EditorState, writing: bool) -> bool {
    if writing {
        if let Some(active) = document().active_element().and_then(|a| a.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = active.blur();
        }
        return true;
    }
    if desk.selected.get_untracked().is_some() {
        desk.deselect();
        return true;
    }
    if desk.marked.with_untracked(|marked| !marked.is_empty()) {
        desk.marked.update(std::collections::BTreeSet::clear);
        return true;
    }
    if desk.filter.with_untracked(|filter| !filter.is_empty()) {
        desk.filter.set(String::new());
        return true;
    }
    false
}

fn in_source(event: &KeyboardEvent) -> bool {
    matches(event, ".source-text, #one-context")
}

/// Whether the key went to something that Enter presses.
fn on_control(event: &KeyboardEvent) -> bool {
    matches(event, "button, a, summary, [role=tab]")
}

fn matches(event: &KeyboardEvent, selector: &str) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|target| target.closest(selector).ok().flatten().is_some())
}

/// Puts the cursor into the form of the selected rule.
fn focus_form() {
    request_animation_frame(|| focus("#rule-id"));
}

fn focus(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(field) = found.and_then(|field| field.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = field.focus();
    }
}
