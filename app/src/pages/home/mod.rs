//! The first page: the live state, the tasks that wait for the reader, and recent changes.

mod announcements;
mod drill;
mod kpis;
mod serving;
mod tasks;
mod traffic;

use leptos::prelude::*;
use lifecycle::{
    audit::{self, EventType},
    kpi::Summary,
    overview::Overview,
};
use policy::Timestamp;

use self::{
    announcements::Announcements, drill::Drill, kpis::KpiRow, serving::LiveNow, tasks::NeedsYou, traffic::Traffic,
};
use crate::{
    api::{
        home::{Acknowledge, read_overview},
        kpi::kpi_summary,
    },
    components::{EmptyState, ErrorPanel, PageHead, Panel, RelativeTime, Skeleton, Table},
    frame::live_updates::use_live,
};

/// The first page; it refreshes by itself.
#[component]
pub fn Home() -> impl IntoView {
    let live = use_live();
    let acknowledge = ServerAction::<Acknowledge>::new();
    let overview = Resource::new(move || (live.pulse(), acknowledge.version().get()), |_| read_overview());
    let kpis = Resource::new(move || live.pulse(), |_| kpi_summary());
    view! {
        <PageHead title="Home" />
        <Transition fallback=|| view! { <Skeleton lines=8 /> }>
            {move || Suspend::new(async move {
                match (overview.await, kpis.await) {
                    (Ok(overview), Ok(kpis)) => view! { <Sections overview=overview kpis=kpis acknowledge=acknowledge /> }.into_any(),
                    (Err(error), _) | (_, Err(error)) => view! { <ErrorPanel error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Sections(overview: Overview, kpis: Summary, acknowledge: ServerAction<Acknowledge>) -> impl IntoView {
    let Overview { system, announcements, tasks, recent, minutes, mix, last_drill, as_of, .. } = overview;
    view! {
        <div class="stack">
            <Announcements announcements=announcements as_of=as_of acknowledge=acknowledge />
            <div class="home-top">
                <NeedsYou tasks=tasks as_of=as_of />
                <LiveNow system=system as_of=as_of />
            </div>
            <Drill last=last_drill as_of=as_of />
            <Traffic minutes=minutes mix=mix />
            <KpiRow summary=kpis />
            <Recent entries=recent as_of=as_of />
        </div>
    }
}

/// The last audit entries without sign-ins and sign-outs.
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
                                    <td class="nowrap">{crate::labels::outside(&entry.actor)}</td>
                                    <td class="muted">{crate::labels::outside(&entry.summary)}</td>
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
