//! The list of incidents.

mod clock;
mod clock_chip;
pub mod detail;
mod state;

use leptos::prelude::*;
use lifecycle::incident::{Incident, Status};
use policy::Timestamp;

use self::{
    clock::{acknowledge, investigate},
    clock_chip::ClockChip,
};
use crate::{
    api::incidents::{IncidentList, list_incidents},
    components::{
        Column, EmptyState, ErrorPanel, ExternalText, Head, IncidentStatusChip, LinkButton, PageHead, Panel,
        RelativeTime, SeverityChip, Skeleton, Table,
    },
    frame::live_updates::use_live,
    keyboard::use_queue_keys,
};

/// The list of incidents.
#[component]
pub fn Incidents() -> impl IntoView {
    let live = use_live();
    let list = Resource::new(move || live.pulse(), |_| list_incidents());
    use_queue_keys();
    view! {
        <PageHead title="Incidents" />
        <Transition fallback=|| {
            view! { <Skeleton lines=6 /> }
        }>
            {move || Suspend::new(async move {
                match list.await {
                    Ok(list) => view! { <Lists list=list /> }.into_any(),
                    Err(error) => view! { <ErrorPanel error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Lists(list: IncidentList) -> impl IntoView {
    let IncidentList { items, as_of, .. } = list;
    let over = |incident: &Incident| matches!(incident.status, Status::Resolved | Status::Closed);
    let (done, open): (Vec<_>, Vec<_>) = items.into_iter().partition(over);
    view! {
        <div class="stack">
            <Panel title="Open" note=open.len().to_string() flush=true>
                {if open.is_empty() {
                    view! {
                        <EmptyState title="Nothing is open">
                            <p>
                                "A rollback opens an incident by itself. It stays here, with the time that is left, until it is resolved."
                            </p>
                            <LinkButton href="/rollouts">"Show rollouts"</LinkButton>
                        </EmptyState>
                    }
                        .into_any()
                } else {
                    view! { <Rows incidents=open as_of=as_of label="Open incidents" /> }.into_any()
                }}
            </Panel>
            {(!done.is_empty())
                .then(|| {
                    view! {
                        <Panel title="Resolved" note=done.len().to_string() flush=true>
                            <Rows incidents=done as_of=as_of label="Resolved incidents" />
                        </Panel>
                    }
                })}
        </div>
    }
}

#[component]
fn Rows(incidents: Vec<Incident>, as_of: Timestamp, label: &'static str) -> impl IntoView {
    view! {
        <Table label=label interactive=true cards=true>
            <Head columns=&[
                Column::Text("Incident"), Column::Text("Severity"), Column::Text("Status"), Column::Text("Clock"),
                Column::Text("Bundle"), Column::Text("Opened"),
            ] />
            <tbody>
                {incidents.into_iter().map(|incident| view! { <Row incident=incident as_of=as_of /> }).collect_view()}
            </tbody>
        </Table>
    }
}

#[component]
fn Row(incident: Incident, as_of: Timestamp) -> impl IntoView {
    let clock =
        if incident.status == Status::Open { acknowledge(&incident, as_of) } else { investigate(&incident, as_of) };
    view! {
        <tr>
            <td>
                <a class="incident-title queue-item" href=format!("/incidents/{}", incident.id)>
                    <ExternalText text=incident.title />
                </a>
                <span class="cell-note faint mono">{incident.id}</span>
            </td>
            <td>
                <SeverityChip severity=incident.severity />
            </td>
            <td>
                <IncidentStatusChip status=incident.status />
            </td>
            <td>
                <ClockChip clock=clock />
            </td>
            <td class="mono">{incident.bundle_version.unwrap_or_else(|| "–".to_owned())}</td>
            <td>
                <RelativeTime at=incident.created_at as_of=as_of />
            </td>
        </tr>
    }
}
