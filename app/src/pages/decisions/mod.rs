//! The decision log.

pub mod detail;
mod filter_form;
mod labels;
mod what_if;

use std::time::Duration;

use leptos::{ev::MouseEvent, prelude::*};
use leptos_router::hooks::use_query_map;
use lifecycle::decision::Record;
use policy::{
    Timestamp,
    engine::{Arm, Status},
};

use self::filter_form::Filters;
use crate::{
    api::decisions::{Log, decision_log},
    components::{
        ButtonKind, Chip, EffectBadge, EmptyState, ErrorPanel, ExternalText, LinkButton, PageHead, Panel, RelativeTime,
        Skeleton, Switch, Table, Tone, facts, use_toasts,
    },
    filter::{DecisionFilter, address::escape},
    frame::live_updates::use_live,
    keyboard::use_queue_keys,
};

/// The interval at which an open log fetches new decisions.
const PULSE: Duration = Duration::from_secs(4);

/// Pages fetched with *Load more*, after the first.
#[derive(Clone, Copy)]
struct OlderPages {
    rows: RwSignal<Vec<Record>>,
    /// The cursor of the next page to fetch: `None` before any page was fetched, `Some(None)` at the end of the log.
    cursor: RwSignal<Option<Option<String>>>,
    pending: RwSignal<bool>,
}

/// The decision log.
#[component]
pub fn Decisions() -> impl IntoView {
    let params = use_query_map();
    let filter = Memo::new(move |_| DecisionFilter::read(|name| params.read().get(name)));
    let older =
        OlderPages { rows: RwSignal::new(Vec::new()), cursor: RwSignal::new(None), pending: RwSignal::new(false) };
    let on = RwSignal::new(true);
    let beat = pulse(filter, older, on);
    let live = use_live();
    let log = Resource::new(move || (filter.get(), beat.get(), live.changed()), |(filter, ..)| decision_log(filter));
    // Another filter shows another list.
    Effect::new(move |before: Option<DecisionFilter>| {
        let now = filter.get();
        if before.is_some_and(|before| before != now) {
            older.rows.set(Vec::new());
            older.cursor.set(None);
        }
        now
    });
    use_queue_keys();
    view! {
        <PageHead
            title="Decisions"
            actions=move || {
                view! {
                    <span class="live-switch needs-script">
                        <Switch label="Live" on=on on_toggle=move |to| on.set(to) />
                        <span aria-hidden="true">"Live"</span>
                    </span>
                }
            }
        />
        <Transition fallback=|| {
            view! { <Skeleton lines=10 /> }
        }>
            {move || Suspend::new(async move {
                match log.await {
                    Ok(log) => view! { <Page log=log filter=filter.get_untracked() older=older /> }.into_any(),
                    Err(error) => view! { <ErrorPanel error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// Ticks while the log is live, shows its newest page, and the window is visible.
fn pulse(filter: Memo<DecisionFilter>, older: OlderPages, on: RwSignal<bool>) -> RwSignal<u32> {
    let beat = RwSignal::new(0);
    Effect::new(move |_| {
        let tick = move || {
            let newest =
                filter.with_untracked(|filter| filter.cursor.is_none()) && older.rows.with_untracked(Vec::is_empty);
            if on.get_untracked() && newest && !document().hidden() {
                beat.update(|beat| *beat += 1);
            }
        };
        if let Ok(handle) = set_interval_with_handle(tick, PULSE) {
            on_cleanup(move || handle.clear());
        }
    });
    beat
}

#[component]
fn Page(log: Log, filter: DecisionFilter, older: OlderPages) -> impl IntoView {
    let Log { items, next_cursor, bundles, as_of } = log;
    let filtered = filter.is_filtered();
    let is_older_page = filter.cursor.is_some();
    let newest_href = filter.link(None);
    let (empty, more) = (items.is_empty(), next_cursor.is_some());
    let items = StoredValue::new(items);
    let nothing = Memo::new(move |_| empty && older.rows.with(Vec::is_empty));
    let rest = {
        let filter = filter.clone();
        move || {
            let cursor = older.cursor.get().unwrap_or_else(|| next_cursor.clone());
            cursor.map(|cursor| view! { <LoadOlder filter=filter.clone() cursor=cursor older=older /> })
        }
    };
    view! {
        <div class="stack">
            <Filters filter=filter bundles=bundles />
            {is_older_page
                .then(|| {
                    view! {
                        <p class="muted">
                            "Older decisions. " <a href=newest_href>"Back to the newest"</a>
                        </p>
                    }
                })}
            <Panel flush=true>
                {move || if nothing.get() {
                    view! { <Nothing filtered=filtered more=more /> }.into_any()
                } else {
                    view! {
                        <Table label="Decisions" interactive=true cards=true>
                            <thead>
                                <tr>
                                    <th scope="col">"When"</th>
                                    <th scope="col">"Answer"</th>
                                    <th scope="col">"Agent · action"</th>
                                    <th scope="col" class="col-wide">
                                        "Input"
                                    </th>
                                    <th scope="col" class="col-wide">
                                        "Rule"
                                    </th>
                                    <th scope="col">"Bundle"</th>
                                </tr>
                            </thead>
                            <tbody>
                                {items.get_value().into_iter().map(|record| view! { <Row record=record as_of=as_of /> }).collect_view()}
                                {move || {
                                    older.rows
                                        .get()
                                        .into_iter()
                                        .map(|record| view! { <Row record=record as_of=as_of /> })
                                        .collect_view()
                                }}
                            </tbody>
                        </Table>
                    }
                        .into_any()
                }}
            </Panel>
            {rest}
        </div>
    }
}

/// In place of the table; `more` when only the newest part of the log was searched.
#[component]
fn Nothing(filtered: bool, more: bool) -> impl IntoView {
    if filtered || more {
        let (title, text) = if more {
            ("No recent decision matches", "Older ones have not been searched yet: load them, or choose a time.")
        } else {
            ("No decision matches", "Nothing in the log passes these filters.")
        };
        view! {
            <EmptyState title=title>
                <p>{text}</p>
                <LinkButton href="/decisions">"Clear filters"</LinkButton>
            </EmptyState>
        }
        .into_any()
    } else {
        view! {
            <EmptyState title="Nothing has been decided yet">
                <p>
                    "Every answer given to an agent is recorded here with the rule that decided. Ask for one with "
                    <code>"POST /policy/evaluate"</code> "."
                </p>
            </EmptyState>
        }
        .into_any()
    }
}

#[component]
fn Row(record: Record, as_of: Timestamp) -> impl IntoView {
    let href = format!("/decisions/{}", escape(&record.decision_id));
    let rule = match (&record.matched_rule, record.status) {
        (Some(rule), _) => rule.clone(),
        (None, Status::Error) => "declared inputs".to_owned(),
        (None, _) => "default".to_owned(),
    };
    let differs = record.other_arm.as_ref().is_some_and(|other| other.effect != record.effect);
    view! {
        <tr>
            <td>
                <a class="queue-item" href=href>
                    <RelativeTime at=record.decided_at as_of=as_of />
                </a>
            </td>
            <td>
                <EffectBadge effect=record.effect no_match=record.status == Status::NoMatch />
                {(record.status == Status::Error)
                    .then(|| {
                        view! {
                            " "
                            <Chip tone=Tone::Bad sign="!">
                                "error"
                            </Chip>
                        }
                    })}
            </td>
            <td>
                <ExternalText text=record.agent /> <span class="faint">" · "</span> <ExternalText text=record.action />
            </td>
            <td class="col-wide mono muted">{facts::gist(&record.context)}</td>
            <td class="col-wide mono">{rule}</td>
            <td>
                <span class="mono">
                    {record.bundle.map_or_else(|| "–".to_owned(), |bundle| bundle.version)}
                </span>
                {(record.arm == Arm::Canary)
                    .then(|| {
                        view! {
                            " "
                            <Chip tone=Tone::Warn sign="◔">
                                "canary"
                            </Chip>
                        }
                    })}
                {differs
                    .then(|| {
                        view! {
                            " "
                            <Chip tone=Tone::Accent sign="≠">
                                "arms differ"
                            </Chip>
                        }
                    })}
            </td>
        </tr>
    }
}

/// A link to the next page, which works without scripts. With scripts, the rows are added below instead.
#[component]
fn LoadOlder(filter: DecisionFilter, cursor: String, older: OlderPages) -> impl IntoView {
    let href = filter.link(Some(&cursor));
    let toasts = use_toasts();
    let fetch = move |event: MouseEvent| {
        event.prevent_default();
        if older.pending.get_untracked() {
            return;
        }
        older.pending.set(true);
        let next = DecisionFilter { cursor: Some(cursor.clone()), ..filter.clone() };
        leptos::task::spawn_local(async move {
            match decision_log(next).await {
                Ok(page) => {
                    older.rows.update(|rows| rows.extend(page.items));
                    older.cursor.set(Some(page.next_cursor));
                }
                Err(error) => toasts.bad(&error),
            }
            older.pending.set(false);
        });
    };
    view! {
        <div class="load-more">
            <LinkButton href=href kind=ButtonKind::Secondary on_click=fetch>
                {move || if older.pending.get() { "Loading…" } else { "Load more" }}
            </LinkButton>
        </div>
    }
}
