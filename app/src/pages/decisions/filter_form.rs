//! The filters of the decision log.

use leptos::prelude::*;
use leptos_router::components::Form;
use policy::{bundle::Effect, engine::Status};

use crate::{
    components::{Button, LinkButton, Select, TextInput, effect_words, field_value, submit_form},
    filter::{DecisionFilter, TimeRange, decisions::STATUSES},
};

/// The filters. A changed choice applies at once, typed text with Enter or the button.
#[component]
pub(super) fn Filters(filter: DecisionFilter, bundles: Vec<(i64, String)>) -> impl IntoView {
    let effects =
        [Effect::Allow, Effect::NeedsApproval, Effect::Deny].map(|e| (e.name().to_owned(), effect_words(e).to_owned()));
    let statuses = STATUSES.map(|s| (s.name().to_owned(), super::labels::status(s).to_owned()));
    let versions = bundles.into_iter().map(|(id, version)| (id.to_string(), version));
    let ranges = TimeRange::ALL.into_iter().rev().map(|range| (range.name().to_owned(), range.label().to_owned()));
    let filtered = filter.is_filtered();
    view! {
        <div on:change=submit_form>
            <Form method="GET" action="/decisions" attr:class="filters" attr:role="search" attr:aria-label="Filter decisions">
                <Select
                    label="Effect"
                    name="effect"
                    options=with_any("Any effect", effects.to_vec())
                    value=field_value(filter.effect.map(Effect::name).unwrap_or_default())
                />
                <Select
                    label="Status"
                    name="status"
                    options=with_any("Any status", statuses.to_vec())
                    value=field_value(filter.status.map(Status::name).unwrap_or_default())
                />
                <Select
                    label="Bundle"
                    name="bundle"
                    options=with_any("Any bundle", versions.collect())
                    value=field_value(filter.bundle.map(|id| id.to_string()).unwrap_or_default())
                />
                <Select label="Time" name="range" options=ranges.collect() value=field_value(filter.range.name()) />
                <TextInput label="Agent" name="agent" kind="search" value=field_value(filter.agent.clone()) placeholder="any" />
                <TextInput label="Action" name="action" value=field_value(filter.action.clone()) placeholder="any" />
                <div class="filter-buttons">
                    <Button submit=true>"Filter"</Button>
                    {filtered.then(|| view! { <LinkButton href="/decisions">"Clear"</LinkButton> })}
                </div>
            </Form>
        </div>
    }
}

/// The choices, after one that means all of them.
fn with_any(words: &str, choices: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut all = vec![(String::new(), words.to_owned())];
    all.extend(choices);
    all
}
