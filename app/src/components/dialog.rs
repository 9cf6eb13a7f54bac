//! Dialogs with the browser's own `<dialog>`: focus stays inside and returns afterwards, and Esc closes the dialog.

use leptos::{html, prelude::*};

/// A modal dialog. Open it by setting `open`; it sets `open` back when the person closes it.
///
/// When `open` is already true on the server, for example from `?dialog=roll-back` in the address, the dialog is
/// rendered open, so that its form works without JavaScript.
#[component]
pub fn Dialog(
    /// Whether the dialog is open.
    open: RwSignal<bool>,
    /// The heading.
    #[prop(into)]
    title: String,
    /// The dialog's id, unique on the page.
    id: &'static str,
    /// Whether the dialog is wider, for more than a short form.
    #[prop(optional)]
    wide: bool,
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let open = open.get();
        let Some(dialog) = dialog.get() else { return };
        if open {
            // A dialog that the server rendered open is not modal. Its attribute is removed, because `close` would fire
            // the close event.
            if dialog.open() && !dialog.matches(":modal").unwrap_or(false) {
                let _ = dialog.remove_attribute("open");
            }
            if !dialog.open() {
                let _ = dialog.show_modal();
            }
        } else if dialog.open() {
            dialog.close();
        }
    });
    let on_click = move |event: leptos::ev::MouseEvent| {
        // The dialog element itself is the target only of clicks outside its content: on the backdrop.
        let on_backdrop = event.target().zip(dialog.get_untracked()).is_some_and(|(target, dialog)| {
            let dialog: &web_sys::EventTarget = dialog.as_ref();
            target == *dialog
        });
        if on_backdrop {
            open.set(false);
        }
    };
    view! {
        <dialog
            class="dialog"
            class:dialog-wide=wide
            id=id
            aria-labelledby=format!("{id}-title")
            open=open.get_untracked()
            node_ref=dialog
            on:close=move |_| open.set(false)
            on:click=on_click
        >
            <div class="dialog-box">
                <div class="dialog-head">
                    <h2 id=format!("{id}-title")>{title}</h2>
                    <button type="button" class="button button-ghost button-small" aria-label="Close" on:click=move |_| open.set(false)>
                        "✕"
                    </button>
                </div>
                {children()}
            </div>
        </dialog>
    }
}
