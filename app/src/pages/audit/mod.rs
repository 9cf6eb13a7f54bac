//! The audit trail.

mod chain;
pub mod labels;

use leptos::prelude::*;
use leptos_router::{components::Form, hooks::use_query_map};
use lifecycle::audit::Entry;
use policy::Timestamp;

use self::chain::{Chain, Verification, use_verification};
use crate::{
    api::audit::{Trail, audit_trail},
    components::{
        Button, Chip, Column, EmptyState, ErrorPanel, Head, LinkButton, PageHead, Panel, RelativeTime, Select,
        Skeleton, Table, TextInput, field_value, submit_form,
    },
    filter::{
        AuditFilter, TimeRange,
        audit::{EVENTS, name},
    },
    frame::live_updates::use_live,
};

/// The kinds of subjects that entries are about.
const SUBJECTS: [&str; 6] = ["bundle", "packet", "incident", "person", "token", "settings"];

/// The audit trail.
#[component]
pub fn Audit() -> impl IntoView {
    let params = use_query_map();
    let filter = Memo::new(move |_| AuditFilter::read(|name| params.read().get(name)));
    let live = use_live();
    let verification = use_verification();
    let trail = Resource::new(move || (filter.get(), live.pulse()), |(filter, _)| audit_trail(filter));
    view! {
        <PageHead title="Audit" />
        <Transition fallback=|| {
            view! { <Skeleton lines=10 /> }
        }>
            {move || Suspend::new(async move {
                match trail.await {
                    Ok(trail) => view! { <Page trail=trail filter=filter.get_untracked() verification=verification /> }.into_any(),
                    Err(error) => view! { <ErrorPanel error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Page(trail: Trail, filter: AuditFilter, verification: Verification) -> impl IntoView {
    let Trail { items, next_cursor, chain, as_of } = trail;
    let next = next_cursor.map(|cursor| filter.link(Some(&cursor)));
    let further = filter.cursor.is_some();
    let first_page = filter.link(None);
    let reversed = AuditFilter { oldest_first: !filter.oldest_first, cursor: None, ..filter.clone() }.link(None);
    let oldest_first = filter.oldest_first;
    let empty = items.is_empty();
    view! {
        <div class="stack">
            <Chain status=chain verification=verification as_of=as_of />
            <Filters filter=filter />
            <div class="spread">
                <p class="muted">
                    {if oldest_first { "Oldest first: the order of events." } else { "Newest first." }}
                    {further.then(|| view! { " " <a href=first_page>"Back to the start"</a> })}
                </p>
                <LinkButton href=reversed small=true>
                    {if oldest_first { "Newest first" } else { "Oldest first" }}
                </LinkButton>
            </div>
            <Panel flush=true>
                {if empty {
                    view! {
                        <EmptyState title="No entry matches">
                            <p>"Everything that people do here is recorded for ever. Nothing passes these filters."</p>
                            <LinkButton href="/audit">"Clear filters"</LinkButton>
                        </EmptyState>
                    }
                        .into_any()
                } else {
                    view! {
                        <Table label="Audit entries" cards=true>
                            <Head columns=&[
                                Column::Number("#"), Column::Text("When"), Column::Text("What"),
                                Column::Text("Entry"), Column::Text("Who"),
                            ] />
                            <tbody>
                                {items.into_iter().map(|entry| view! { <Row entry=entry as_of=as_of /> }).collect_view()}
                            </tbody>
                        </Table>
                    }
                        .into_any()
                }}
            </Panel>
            {next
                .map(|href| {
                    view! {
                        <div class="load-more">
                            <LinkButton href=href>"Next page"</LinkButton>
                        </div>
                    }
                })}
        </div>
    }
}

#[component]
fn Row(entry: Entry, as_of: Timestamp) -> impl IntoView {
    let facts = labels::facts(&entry.detail);
    let seal = entry.seal;
    let link = labels::subject_link(&entry.subject_type, &entry.subject_id);
    view! {
        <tr>
            <td class="num faint">{entry.seq}</td>
            <td class="nowrap">
                <RelativeTime at=entry.at as_of=as_of />
            </td>
            <td>
                <Chip tone=labels::tone(entry.event_type)>{labels::event(entry.event_type)}</Chip>
            </td>
            <td class="audit-entry">
                <details>
                    <summary>{crate::labels::capital(&crate::labels::unticked(&entry.summary))}</summary>
                    <dl class="facts">
                        <dt>"About"</dt>
                        <dd>
                            {match link {
                                Some(href) => {
                                    view! {
                                        <a class="breaks" href=href>
                                            {crate::labels::outside(&entry.subject_type)}
                                            " "
                                            {crate::labels::outside(&entry.subject_id)}
                                        </a>
                                    }
                                        .into_any()
                                }
                                None => view! { <span class="breaks">{crate::labels::outside(&entry.subject_type)} " " {crate::labels::outside(&entry.subject_id)}</span> }.into_any(),
                            }}
                        </dd>
                        <dt>"Roles"</dt>
                        <dd>{if entry.roles.is_empty() { "none".to_owned() } else { crate::labels::outside(&entry.roles.join(", ")).replace('_', " ") }}</dd>
                        <dt>"Via"</dt>
                        <dd>{entry.via} {entry.credential.map(|credential| format!(" ({})", crate::labels::outside(&credential)))}</dd>
                        <dt>"Exact time"</dt>
                        <dd>{crate::components::format::exact(entry.at)}</dd>
                        {seal
                            .map(|seal| {
                                view! {
                                    <dt>"Key"</dt>
                                    <dd class="mono">{seal.key_id}</dd>
                                    <dt>"Hash before"</dt>
                                    <dd class="mono breaks">{seal.prev_hash.to_string()}</dd>
                                    <dt>"Own hash"</dt>
                                    <dd class="mono breaks">{seal.entry_hash.to_string()}</dd>
                                }
                            })}
                        {facts
                            .into_iter()
                            .map(|(name, value)| {
                                view! {
                                    <dt class="mono">{name}</dt>
                                    <dd class="mono breaks">{value}</dd>
                                }
                            })
                            .collect_view()}
                    </dl>
                </details>
            </td>
            <td>{crate::labels::outside(&entry.actor)}</td>
        </tr>
    }
}

#[component]
fn Filters(filter: AuditFilter) -> impl IntoView {
    let mut events = vec![(String::new(), "Anything".to_owned())];
    events.extend(EVENTS.into_iter().map(|event| (name(event), crate::labels::capital(labels::event(event)))));
    let mut subjects = vec![(String::new(), "Anything".to_owned())];
    subjects.extend(SUBJECTS.into_iter().map(|subject| (subject.to_owned(), crate::labels::capital(subject))));
    let ranges = TimeRange::ALL.into_iter().rev().map(|range| (range.name().to_owned(), range.label().to_owned()));
    let filtered = filter.is_filtered();
    view! {
        <div on:change=submit_form>
            <Form method="GET" action="/audit" attr:class="filters" attr:role="search" attr:aria-label="Filter the audit trail">
                <Select label="What" name="event" options=events value=field_value(filter.event.map(name).unwrap_or_default()) />
                <TextInput label="Who" name="actor" kind="search" value=field_value(filter.actor.clone()) placeholder="anyone" />
                <Select label="About" name="subject_type" options=subjects value=field_value(filter.subject_type.clone()) />
                <TextInput label="Id" name="subject_id" value=field_value(filter.subject_id.clone()) placeholder="any" />
                <Select label="Time" name="range" options=ranges.collect() value=field_value(filter.range.name()) />
                {filter.oldest_first.then(|| view! { <input type="hidden" name="order" value="oldest" /> })}
                <div class="filter-buttons">
                    <Button submit=true>"Filter"</Button>
                    {filtered.then(|| view! { <LinkButton href="/audit">"Clear"</LinkButton> })}
                </div>
            </Form>
        </div>
    }
}
