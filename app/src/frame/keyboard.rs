//! Keyboard shortcuts that work on every page, and the list of shortcuts.

use leptos::{ev, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;

use super::places::PLACES;
use crate::components::{Dialog, Kbd};

/// Listens while the frame is mounted.
pub fn listen(palette: RwSignal<bool>, help: RwSignal<bool>) {
    let after_g = StoredValue::new(false);
    let navigate = use_navigate();
    Effect::new(move |_| {
        let navigate = navigate.clone();
        let handle = window_event_listener(ev::keydown, move |event| {
            if event.default_prevented() || event.is_composing() {
                return;
            }
            let key = event.key();
            if (event.ctrl_key() || event.meta_key()) && key.eq_ignore_ascii_case("k") {
                event.prevent_default();
                palette.update(|open| *open = !*open);
                return;
            }
            if event.ctrl_key() || event.meta_key() || event.alt_key() || is_typing(&event) || in_dialog() {
                return;
            }
            let was_after_g = after_g.get_value();
            after_g.set_value(false);
            match key.as_str() {
                "?" => help.set(true),
                "/" if focus_search() => {}
                "g" if !was_after_g => {
                    after_g.set_value(true);
                    return;
                }
                _ => match PLACES.iter().find(|place| was_after_g && place.key == key) {
                    Some(place) => navigate(place.path, NavigateOptions::default()),
                    None => return,
                },
            }
            event.prevent_default();
        });
        on_cleanup(move || handle.remove());
    });
}

/// Whether the key event goes to a field.
fn is_typing(event: &ev::KeyboardEvent) -> bool {
    let Some(element) = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok()) else {
        return false;
    };
    let field = matches!(element.tag_name().as_str(), "TEXTAREA" | "SELECT")
        || (element.tag_name() == "INPUT"
            && !matches!(element.get_attribute("type").as_deref(), Some("checkbox" | "radio" | "button" | "submit")));
    field || element.is_content_editable()
}

fn in_dialog() -> bool {
    document().query_selector("dialog:modal").ok().flatten().is_some()
}

/// Focuses the page's search field: the first `input[type=search]`.
fn focus_search() -> bool {
    let field = document().query_selector("main input[type=search]").ok().flatten();
    field.and_then(|field| field.dyn_into::<web_sys::HtmlElement>().ok()).is_some_and(|field| field.focus().is_ok())
}

/// The list of shortcuts.
#[component]
pub fn KeysDialog(
    /// Whether the dialog is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let line = |what: String, keys: Vec<&'static str>| {
        view! {
            <dt>{what}</dt>
            <dd>{keys.into_iter().map(|key| view! { <Kbd key=key /> }).collect_view()}</dd>
        }
    };
    view! {
        <Dialog open=open id="keys" title="Keys">
            <dl class="keys">
                {line("Search or run".into(), vec!["Ctrl K"])} {line("Search on this page".into(), vec!["/"])}
                {line("Down and up a queue".into(), vec!["j", "k"])} {line("Approve a packet or a call".into(), vec!["a"])}
                {line("Reject a packet, deny a call".into(), vec!["r"])}
                {PLACES.iter().map(|place| line(format!("Go to {}", place.name), vec!["g", place.key])).collect_view()}
                {line("This list".into(), vec!["?"])}
            </dl>
        </Dialog>
    }
}
