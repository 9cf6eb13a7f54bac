//! One incident: what happened, what is due, and who has taken it.

use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_params_map;
use lifecycle::{
    Timestamp,
    authority::Permission,
    incident::{Incident, Status},
};

use super::{
    ClockChip,
    clock::{acknowledge, investigate},
};
use crate::{
    api::incidents::{AcknowledgeIncident, OneIncident, get_incident},
    components::{
        Button, ButtonKind, ErrorPanel, IncidentStatusChip, Notice, PageHead, Panel, RelativeTime, SeverityChip,
        Skeleton, Tone, format, use_toasts,
    },
    frame::live::use_live,
};

/// One incident.
#[component]
pub fn IncidentPage() -> impl IntoView {
    let params = use_params_map();
    let live = use_live();
    let id = Memo::new(move |_| params.read().get("incident_id").unwrap_or_default());
    let incident = Resource::new(move || (id.get(), live.changed()), |(id, _)| get_incident(id));
    let take = ServerAction::<AcknowledgeIncident>::new();
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(Ok(())) = take.value().get() {
            toasts.good("Acknowledged. It is yours.");
            live.refresh();
        }
    });
    let above = || vec![("Incidents".to_owned(), "/incidents".to_owned())];
    view! {
        <Transition fallback=|| {
            view! { <Skeleton lines=8 /> }
        }>
            {move || Suspend::new(async move {
                match incident.await {
                    Ok(incident) => view! { <Page one=incident take=take above=above() /> }.into_any(),
                    Err(error) => {
                        view! {
                            <PageHead title="Incident" above=above() />
                            <ErrorPanel error=error />
                        }
                            .into_any()
                    }
                }
            })}
        </Transition>
    }
}

#[component]
fn Page(one: OneIncident, take: ServerAction<AcknowledgeIncident>, above: Vec<(String, String)>) -> impl IntoView {
    let OneIncident { incident, me, as_of } = one;
    let (severity, status) = (incident.severity, incident.status);
    let id = incident.id.clone();
    let open = incident.status == Status::Open;
    let may = me.may(Permission::HandleIncidents);
    let (timeline, known) = (incident.timeline.clone(), incident.description.clone());
    let ack = open.then(|| incident.id.clone());
    let refused =
        Signal::derive(move || take.value().get().and_then(Result::err).map(|error| error.detail().to_owned()));
    view! {
        <PageHead
            title=incident.title.clone()
            above=above
            beside=move || {
                view! {
                    <span class="mono">{id}</span>
                    <SeverityChip severity=severity />
                    <IncidentStatusChip status=status />
                }
            }
            actions=move || {
                ack.filter(|_| may)
                    .map(|id| {
                        view! {
                            <ActionForm action=take>
                                <input type="hidden" name="incident_id" value=id />
                                <Button kind=ButtonKind::Primary submit=true pending=take.pending()>
                                    "Acknowledge"
                                </Button>
                            </ActionForm>
                        }
                    })
            }
        />
        <div class="stack">
            {move || refused.get().map(|text| view! { <Notice tone=Tone::Bad><p role="alert">{text}</p></Notice> })}
            {(open && !may)
                .then(|| {
                    view! {
                        <Notice>
                            <p>
                                "Nobody has taken this yet. Your roles do not include handling incidents; authors, reviewers and owners can acknowledge it."
                            </p>
                        </Notice>
                    }
                })}
            <div class="with-aside">
                <div class="stack">
                {(!known.is_empty())
                    .then(|| {
                        view! {
                            <Panel title="What is known">
                                <p class="prose">{known}</p>
                            </Panel>
                        }
                    })}
                <Panel title="Timeline" flush=true>
                    <ol class="timeline">
                        {timeline
                            .into_iter()
                            .map(|entry| {
                                view! {
                                    <li class="timeline-item tone-accent">
                                        <p>
                                            <strong>{entry.text}</strong>
                                        </p>
                                        <p class="muted">
                                            {entry.actor} ", " <RelativeTime at=entry.at as_of=as_of />
                                        </p>
                                    </li>
                                }
                            })
                            .collect_view()}
                    </ol>
                </Panel>
                </div>
                <div class="stack">
                    <Clocks incident=incident.clone() as_of=as_of />
                    <Facts incident=incident as_of=as_of />
                </div>
            </div>
        </div>
    }
}

#[component]
fn Clocks(incident: Incident, as_of: Timestamp) -> impl IntoView {
    let clocks = [acknowledge(&incident, as_of), investigate(&incident, as_of)];
    view! {
        <Panel title="Clocks">
            <ul class="clocks">
                {clocks
                    .into_iter()
                    .map(|clock| {
                        let due = clock.due;
                        view! {
                            <li>
                                <ClockChip clock=clock />
                                <span class="cell-note faint">"due " {format::exact(due)}</span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </Panel>
    }
}

#[component]
fn Facts(incident: Incident, as_of: Timestamp) -> impl IntoView {
    view! {
        <Panel title="Facts">
            <dl class="facts">
                <dt>"Raised by"</dt>
                <dd>{incident.created_by} ", " <RelativeTime at=incident.created_at as_of=as_of /></dd>
                <dt>"Source"</dt>
                <dd class="mono">{incident.source}</dd>
                {incident
                    .agent
                    .map(|agent| {
                        view! {
                            <dt>"Agent"</dt>
                            <dd class="mono">{agent}</dd>
                        }
                    })}
                {incident
                    .bundle_id
                    .map(|id| {
                        let version = incident.bundle_version.unwrap_or_else(|| format!("bundle {id}"));
                        view! {
                            <dt>"Bundle"</dt>
                            <dd>
                                <a class="mono" href=format!("/studio/{id}")>
                                    {version}
                                </a>
                            </dd>
                        }
                    })}
                {incident
                    .rollback_id
                    .map(|id| {
                        view! {
                            <dt>"Rollback"</dt>
                            <dd>
                                <a href="/rollouts#history">{format!("Record {id}")}</a>
                            </dd>
                        }
                    })}
                {incident
                    .acknowledged_by
                    .zip(incident.acknowledged_at)
                    .map(|(by, at)| {
                        view! {
                            <dt>"Taken by"</dt>
                            <dd>{by} ", " <RelativeTime at=at as_of=as_of /></dd>
                        }
                    })}
            </dl>
        </Panel>
    }
}
