//! Keyboard shortcuts that work anywhere on a page, except while the focus is in a field.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

/// Calls `act` for every key that is pressed without a modifier and outside a field. `act` returns whether it used the
/// key.
pub fn use_keys(act: impl Fn(&str) -> bool + 'static) {
    // The second key of a sequence such as `g a` belongs to the frame.
    let after_g = StoredValue::new(false);
    let act = std::rc::Rc::new(act);
    // Effects run in browsers only. A server may clean up on another thread, so the listener must stay inside the
    // effect.
    Effect::new(move |_| {
        let act = act.clone();
        let listener = window_event_listener(ev::keydown, move |event| {
            let key = event.key();
            let second = after_g.get_value();
            after_g.set_value(key == "g");
            if !second && is_free(&event) && act(&key) {
                event.prevent_default();
            }
        });
        on_cleanup(move || listener.remove());
    });
}

/// `j` and `k` move the focus through the elements of class `queue-item`. Enter follows the focused link.
pub fn use_queue_keys() {
    use_keys(|key| match key {
        "j" => step(1),
        "k" => step(-1),
        _ => false,
    });
}

/// Clicks the first element that `selector` selects, if it is shown. Returns whether it did.
pub fn press(selector: &str) -> bool {
    let found = document().query_selector(selector).ok().flatten();
    match found.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok()) {
        Some(element) if element.offset_width() > 0 => {
            element.click();
            true
        }
        _ => false,
    }
}

/// Whether a key event is not meant for a field, a dialog or the browser.
fn is_free(event: &web_sys::KeyboardEvent) -> bool {
    if event.ctrl_key() || event.meta_key() || event.alt_key() || event.repeat() || event.default_prevented() {
        return false;
    }
    let inside = |selector: &str| {
        event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .and_then(|element| element.closest(selector).ok().flatten())
            .is_some()
    };
    let modal = document().query_selector("dialog:modal").ok().flatten().is_some();
    !modal && !inside("input, textarea, select, [contenteditable]")
}

/// Moves the focus `by` items along the queue.
fn step(by: i32) -> bool {
    let items = document().get_elements_by_class_name("queue-item");
    let Some(last) = items.length().checked_sub(1) else { return false };
    let focused = document().active_element();
    let at = (0..=last).find(|&i| items.item(i).is_some_and(|item| Some(item) == focused));
    let to = at.map_or(if by > 0 { 0 } else { last }, |at| at.saturating_add_signed(by).min(last));
    let item = items.item(to).and_then(|item| item.dyn_into::<web_sys::HtmlElement>().ok());
    item.is_some_and(|item| item.focus().is_ok())
}
