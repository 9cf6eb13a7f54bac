//! The filters above the log: a plain form whose answers stand in the address.

use leptos::prelude::*;
use leptos_router::components::Form;
use policy::{bundle::Effect, engine::Status};
use wasm_bindgen::JsCast;

use super::query::{Query, Range, STATUSES};
use crate::components::{Button, LinkButton, Select, TextInput, effect_words};

/// The filters. A changed choice applies at once; typed text with Enter or the button.
#[component]
pub(super) fn Filters(query: Query, bundles: Vec<(i64, String)>) -> impl IntoView {
    let effects =
        [Effect::Allow, Effect::NeedsApproval, Effect::Deny].map(|e| (e.name().to_owned(), effect_words(e).to_owned()));
    let statuses = STATUSES.map(|s| (s.name().to_owned(), super::labels::status(s).to_owned()));
    let versions = bundles.into_iter().map(|(id, version)| (id.to_string(), version));
    let ranges = Range::ALL.into_iter().rev().map(|range| (range.name().to_owned(), range.label().to_owned()));
    let filtered = query.is_filtered();
    view! {
        <div on:change=submit_form>
            <Form method="GET" action="/decisions" attr:class="filters" attr:role="search" attr:aria-label="Filter decisions">
                <Select
                    label="Effect"
                    name="effect"
                    options=with_any("Any effect", effects.to_vec())
                    value=kept(query.effect.map(Effect::name).unwrap_or_default())
                />
                <Select
                    label="Status"
                    name="status"
                    options=with_any("Any status", statuses.to_vec())
                    value=kept(query.status.map(Status::name).unwrap_or_default())
                />
                <Select
                    label="Bundle"
                    name="bundle"
                    options=with_any("Any bundle", versions.collect())
                    value=kept(query.bundle.map(|id| id.to_string()).unwrap_or_default())
                />
                <Select label="Time" name="range" options=ranges.collect() value=kept(query.range.name()) />
                <TextInput label="Agent" name="agent" kind="search" value=kept(query.agent.clone()) placeholder="any" />
                <TextInput label="Action" name="action" value=kept(query.action.clone()) placeholder="any" />
                <div class="filter-buttons">
                    <Button submit=true>"Filter"</Button>
                    {filtered.then(|| view! { <LinkButton href="/decisions">"Clear"</LinkButton> })}
                </div>
            </Form>
        </div>
    }
}

/// What a field shows. A signal rather than a first value, so that another query also clears what somebody had chosen.
pub(crate) fn kept(value: impl Into<String>) -> RwSignal<String> {
    RwSignal::new(value.into())
}

/// The choices with one for all of them before.
fn with_any(words: &str, choices: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut all = vec![(String::new(), words.to_owned())];
    all.extend(choices);
    all
}

/// Sends the form a control stands in as soon as the control changes.
pub(crate) fn submit_form(event: leptos::ev::Event) {
    let form = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|control| control.closest("form").ok().flatten())
        .and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok());
    if let Some(form) = form {
        // Fails only when the form is invalid, and then the browser has said so.
        let _ = form.request_submit();
    }
}
