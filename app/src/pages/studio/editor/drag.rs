//! Dragging rows: the dragged rules go directly before or after another rule, by changing their priority.

use leptos::{ev::DragEvent, prelude::*};
use wasm_bindgen::JsCast;

use super::state::EditorState;
use crate::model::{Edit, RuleKey, order::Direction};

/// The handle that a row is dragged by. The keyboard moves the selected rule with Alt and the arrow keys.
#[component]
pub fn Handle(editor: EditorState, rule_key: RuleKey) -> impl IntoView {
    let key = rule_key;
    let begin = move |event: DragEvent| {
        let marked: Vec<RuleKey> = editor.selection.marked().with_untracked(|marked| marked.iter().copied().collect());
        // Dragging a marked rule drags all marked rules.
        let keys = if marked.contains(&key) { marked } else { vec![key] };
        if let Some(data) = event.data_transfer() {
            data.set_effect_allowed("move");
            // Firefox does not start a drag without data.
            let _ = data.set_data("text/plain", &key.0.to_string());
        }
        editor.selection.start_drag(keys);
    };
    editor.document.is_editable().then(|| {
        view! {
            <span
                class="rule-handle"
                draggable="true"
                aria-hidden="true"
                title="Drag to re-prioritise (Alt ↑↓)"
                on:dragstart=begin
                on:dragend=move |_| editor.selection.end_drag()
            >
                "⠿"
            </span>
        }
    })
}

/// The side of a row on which the pointer drops: the upper half means before, the lower half after.
fn side(event: &DragEvent) -> Option<Direction> {
    let row: web_sys::Element = event.current_target()?.dyn_into().ok()?;
    let seen = row.get_bounding_client_rect();
    let middle = seen.top() + seen.height() / 2.0;
    Some(if f64::from(event.client_y()) < middle { Direction::Up } else { Direction::Down })
}

/// Handles dragging over the row of `key`.
pub fn drag_over(editor: EditorState, key: RuleKey, event: &DragEvent) {
    if editor.selection.dragged().with_untracked(Vec::is_empty) {
        return;
    }
    event.prevent_default();
    editor.selection.drag_over(side(event).map(|side| (key, side)));
}

/// Handles dropping on the row of `key`.
pub fn drop_rules(editor: EditorState, key: RuleKey, event: &DragEvent) {
    let keys = editor.selection.dragged().get_untracked();
    let Some(side) = side(event).filter(|_| !keys.is_empty()) else { return };
    event.prevent_default();
    editor.selection.end_drag();
    if keys == [key] {
        return;
    }
    if editor.document.try_edit(&Edit::Place { keys, target: key, side }) {
        editor.selection.reveal_selected();
    }
}
