//! What is live, what needs you, what changed.

mod drill;
mod kpis;
mod live;
mod traffic;

use leptos::prelude::*;
use lifecycle::{
    audit::{self, EventType},
    kpi::Summary,
    workspace::{Need, Overview},
};
use policy::Timestamp;

use self::{drill::Drill, kpis::KpiRow, live::LiveNow, traffic::Traffic};
use crate::{
    api::{home::read_overview, kpi::kpi_summary},
    components::{EmptyState, ErrorPanel, LinkButton, PageHead, Panel, RelativeTime, Skeleton, Table},
    frame::live_updates::use_live,
};

/// The first page. It moves by itself.
#[component]
pub fn Home() -> impl IntoView {
    let live = use_live();
    let overview = Resource::new(move || live.pulse(), |_| read_overview());
    let figures = Resource::new(move || live.pulse(), |_| kpi_summary());
    view! {
        <PageHead title="Home" />
        <Transition fallback=|| view! { <Skeleton lines=8 /> }>
            {move || Suspend::new(async move {
                match (overview.await, figures.await) {
                    (Ok(overview), Ok(figures)) => view! { <Sections overview=overview figures=figures /> }.into_any(),
                    (Err(error), _) | (_, Err(error)) => view! { <ErrorPanel error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Sections(overview: Overview, figures: Summary) -> impl IntoView {
    let Overview { system, needs_you, recent, minutes, mix, last_drill, as_of, .. } = overview;
    view! {
        <div class="stack">
            <div class="home-top">
                <NeedsYou needs=needs_you as_of=as_of />
                <LiveNow system=system as_of=as_of />
            </div>
            <Drill last=last_drill as_of=as_of />
            <Traffic minutes=minutes mix=mix />
            <KpiRow summary=figures />
            <Recent entries=recent as_of=as_of />
        </div>
    }
}

/// The inbox.
#[component]
fn NeedsYou(needs: Vec<Need>, as_of: Timestamp) -> impl IntoView {
    let count = needs.len();
    let note = match count {
        0 => String::new(),
        1 => "1 thing waits".to_owned(),
        _ => format!("{count} things wait"),
    };
    view! {
        <Panel title="Needs you" note=note flush=true>
            {if needs.is_empty() {
                view! {
                    <EmptyState title="Nothing waits for you">
                        <p>"Packets to sign, approved bundles to apply and incidents to acknowledge gather here."</p>
                        <LinkButton href="/studio">"Open the Studio"</LinkButton>
                    </EmptyState>
                }
                    .into_any()
            } else {
                view! {
                    <ul class="needs">
                        {needs
                            .into_iter()
                            .map(|need| {
                                view! {
                                    <li>
                                        <a class="need" href=need.href>
                                            <span class="need-title">{need.title}</span>
                                            <span class="need-since">
                                                <RelativeTime at=need.since as_of=as_of />
                                            </span>
                                            <span class="need-detail">{need.detail}</span>
                                        </a>
                                    </li>
                                }
                            })
                            .collect_view()}
                    </ul>
                }
                    .into_any()
            }}
        </Panel>
    }
}

/// The last audit entries but for people coming and going.
#[component]
fn Recent(entries: Vec<audit::Entry>, as_of: Timestamp) -> impl IntoView {
    let all = || view! { <a href="/audit">"Whole audit trail"</a> };
    if entries.is_empty() {
        return view! {
            <Panel title="Last changes">
                <EmptyState title="Nothing has happened yet">
                    <p>"Every draft, signature, rollout and rollback is recorded here with who did it."</p>
                </EmptyState>
            </Panel>
        }
        .into_any();
    }
    view! {
        <Panel title="Last changes" flush=true actions=all>
            <Table label="Last changes" cards=true>
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"What"</th>
                    </tr>
                </thead>
                <tbody>
                    {entries
                        .into_iter()
                        .filter(|entry| !matches!(entry.event_type, EventType::SignedIn | EventType::SignedOut))
                        .map(|entry| {
                            view! {
                                <tr>
                                    <td class="muted">
                                        <RelativeTime at=entry.at as_of=as_of />
                                    </td>
                                    <td class="nowrap">{entry.actor}</td>
                                    <td class="muted">{entry.summary}</td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </Table>
        </Panel>
    }
    .into_any()
}
