//! Filters above a list: a plain form with the method GET, whose fields stand in the address.

use leptos::{ev::Event, prelude::*};
use wasm_bindgen::JsCast;

/// The value of a field. A signal rather than an initial value, so that another address also resets what was typed.
pub fn field_value(value: impl Into<String>) -> RwSignal<String> {
    RwSignal::new(value.into())
}

/// Submits the form of a control as soon as the control changes.
pub fn submit_form(event: Event) {
    let form = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|control| control.closest("form").ok().flatten())
        .and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok());
    if let Some(form) = form {
        // Fails only when the form is invalid, which the browser reports itself.
        let _ = form.request_submit();
    }
}
