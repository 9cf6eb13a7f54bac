//! Dragging rows: the rule under the pointer goes directly before or behind another one, by its priority.

use leptos::{ev::DragEvent, prelude::*};
use wasm_bindgen::JsCast;

use super::state::EditorState;
use crate::model::{Edit, Key, order::Direction};

/// What a row is dragged by. The keyboard moves the selected rule with Alt and the arrows.
#[component]
pub fn Handle(desk: EditorState, rule_key: Key) -> impl IntoView {
    let key = rule_key;
    let begin = move |event: DragEvent| {
        let marked: Vec<Key> = desk.marked.with_untracked(|marked| marked.iter().copied().collect());
        // A marked rule takes the others along.
        let keys = if marked.contains(&key) { marked } else { vec![key] };
        if let Some(data) = event.data_transfer() {
            data.set_effect_allowed("move");
            // Firefox drags nothing without data.
            let _ = data.set_data("text/plain", &key.0.to_string());
        }
        desk.dragged.set(keys);
    };
    desk.editable.then(|| {
        view! {
            <span
                class="rule-handle"
                draggable="true"
                aria-hidden="true"
                title="Drag to re-prioritise (Alt ↑↓)"
                on:dragstart=begin
                on:dragend=move |_| end(desk)
            >
                "⠿"
            </span>
        }
    })
}

fn end(desk: EditorState) {
    desk.dragged.set(Vec::new());
    desk.drop_at.set(None);
}

/// The upper half of a row is before it, the lower half behind it.
fn side(event: &DragEvent) -> Option<Direction> {
    let row: web_sys::Element = event.current_target()?.dyn_into().ok()?;
    let seen = row.get_bounding_client_rect();
    let middle = seen.top() + seen.height() / 2.0;
    Some(if f64::from(event.client_y()) < middle { Direction::Up } else { Direction::Down })
}

/// Something is dragged over the row of `key`.
pub fn over(desk: EditorState, key: Key, event: &DragEvent) {
    if desk.dragged.with_untracked(Vec::is_empty) {
        return;
    }
    event.prevent_default();
    let at = side(event).map(|side| (key, side));
    if desk.drop_at.get_untracked() != at {
        desk.drop_at.set(at);
    }
}

/// It is let go over the row of `key`.
pub fn drop(desk: EditorState, key: Key, event: &DragEvent) {
    let keys = desk.dragged.get_untracked();
    let Some(side) = side(event).filter(|_| !keys.is_empty()) else { return };
    event.prevent_default();
    end(desk);
    if keys == [key] {
        return;
    }
    if desk.edit(&Edit::Place { keys, beside: key, side }) {
        desk.reveal.set(desk.selected.get_untracked());
    }
}
