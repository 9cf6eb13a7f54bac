//! One incident: what happened, what is due, and who acknowledged the incident.

use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_params_map;
use lifecycle::{
    authority::Permission,
    incident::{Incident, Status, Step, post_mortem::PostMortem},
};
use policy::Timestamp;

use super::{
    clock::{acknowledge, investigate},
    clock_chip::ClockChip,
    state::{PageState, PostMortemDraft},
};
use crate::{
    api::incidents::{IncidentDetail, get_incident},
    components::{
        Button, ButtonKind, ErrorPanel, ExternalText, IncidentStatusChip, Notice, PageHead, Panel, RelativeTime,
        SeverityChip, Skeleton, TextArea, Tone, format,
    },
    frame::live_updates::use_live,
};

/// One incident.
#[component]
pub fn IncidentPage() -> impl IntoView {
    let params = use_params_map();
    let live = use_live();
    let id = Memo::new(move |_| params.read().get("incident_id").unwrap_or_default());
    let incident = Resource::new(move || (id.get(), live.changed()), |(id, _)| get_incident(id));
    let state = PageState::new();
    let above = || vec![("Incidents".to_owned(), "/incidents".to_owned())];
    view! {
        <Transition fallback=|| {
            view! { <Skeleton lines=8 /> }
        }>
            {move || Suspend::new(async move {
                match incident.await {
                    Ok(incident) => view! { <Page detail=incident state=state above=above() /> }.into_any(),
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
fn Page(detail: IncidentDetail, state: PageState, above: Vec<(String, String)>) -> impl IntoView {
    let IncidentDetail { incident, post_mortem, me, as_of } = detail;
    let (severity, status) = (incident.severity, incident.status);
    let id = incident.id.clone();
    let open = incident.status == Status::Open;
    let may = me.may(Permission::HandleIncidents);
    let (timeline, known) = (incident.timeline.clone(), incident.description.clone());
    let ack = open.then(|| incident.id.clone());
    let refused = Signal::derive(move || {
        state.advance.value().get().and_then(Result::err).map(|error| error.detail().to_owned())
    });
    view! {
        <PageHead
            title=incident.title.clone()
            above=above
            meta=move || {
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
                            <ActionForm action=state.advance>
                                <input type="hidden" name="incident_id" value=id />
                                <input type="hidden" name="step" value="acknowledge" />
                                <Button kind=ButtonKind::Primary submit=true pending=state.advance.pending()>
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
                                "Nobody has acknowledged this yet. Your roles do not include handling incidents; authors, reviewers and owners can acknowledge it."
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
                                <p class="prose"><ExternalText text=known lines=true /></p>
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
                                            <strong><ExternalText text=entry.text lines=true /></strong>
                                        </p>
                                        <p class="muted">
                                            {crate::labels::outside(&entry.actor)} ", " <RelativeTime at=entry.at as_of=as_of />
                                        </p>
                                    </li>
                                }
                            })
                            .collect_view()}
                    </ol>
                </Panel>
                </div>
                <div class="stack">
                    {(may && !open && status != Status::Closed)
                        .then(|| view! { <NextStep id=incident.id.clone() status=status state=state /> })}
                    <Clocks incident=incident.clone() as_of=as_of />
                    <Facts incident=incident as_of=as_of />
                </div>
            </div>
            <PostMortemPanel post_mortem=post_mortem state=state may=may as_of=as_of />
        </div>
    }
}

/// The form for the next step, with a note for the timeline.
#[component]
fn NextStep(id: String, status: Status, state: PageState) -> impl IntoView {
    let (hint, steps) = match status {
        Status::Open | Status::Acknowledged => (
            "What was done, what was found. It is added to the timeline.",
            vec![(Step::Mitigate, "Mark mitigated"), (Step::Resolve, "Resolve")],
        ),
        Status::Mitigated => {
            ("What the cause was, and what keeps it from coming back.", vec![(Step::Resolve, "Resolve")])
        }
        Status::Resolved | Status::Closed => ("Anything left to say.", vec![(Step::Close, "Close")]),
    };
    view! {
        <Panel title="Next step">
            <ActionForm action=state.advance attr:class="stack">
                <input type="hidden" name="incident_id" value=id />
                <TextArea label="Note" name="note" hint=hint value=state.note rows=4 />
                <div class="row">
                    {steps
                        .into_iter()
                        .enumerate()
                        .map(|(at, (step, words))| {
                            view! {
                                <Button
                                    kind=if at == 0 { ButtonKind::Primary } else { ButtonKind::Secondary }
                                    submit=true
                                    pending=state.advance.pending()
                                    attr:name="step"
                                    attr:value=step.name()
                                >
                                    {words}
                                </Button>
                            }
                        })
                        .collect_view()}
                </div>
            </ActionForm>
        </Panel>
    }
}

/// The post-mortem: everyone may read it, people who handle incidents may write it.
#[component]
fn PostMortemPanel(post_mortem: PostMortem, state: PageState, may: bool, as_of: Timestamp) -> impl IntoView {
    let PostMortem { incident_id, revision, markdown, open_places, required, written_by, written_at } = post_mortem;
    let note = match (open_places, required && revision == 0) {
        (_, true) => "required before this can be closed",
        (0, _) => "",
        (_, false) => "some places in [brackets] are still to be filled in",
    };
    let saved = written_by.zip(written_at).map(|(by, at)| {
        view! {
            <p class="muted">
                {format!("Revision {revision}, saved by {by} ")} <RelativeTime at=at as_of=as_of />
            </p>
        }
    });
    let refused =
        Signal::derive(move || state.save.value().get().and_then(Result::err).map(|error| error.detail().to_owned()));
    if !may {
        let text = if revision == 0 { "Nobody has written one yet.".to_owned() } else { markdown };
        return view! {
            <Panel title="Post-mortem" note=note>
                {saved}
                <p class="prose post-mortem"><ExternalText text=text lines=true /></p>
            </Panel>
        }
        .into_any();
    }
    let PostMortemDraft { revision, markdown } = state.draft().unwrap_or(PostMortemDraft { revision, markdown });
    let value = RwSignal::new(markdown);
    Effect::new(move |before: Option<()>| {
        let markdown = value.get();
        if before.is_some() {
            state.edit(PostMortemDraft { revision, markdown });
        }
    });
    view! {
        <Panel title="Post-mortem" note=note>
            <ActionForm action=state.save attr:class="stack">
                {saved}
                <input type="hidden" name="incident_id" value=incident_id />
                <input type="hidden" name="revision" value=revision.to_string() />
                <TextArea
                    label="What happened, why, and what is done about it"
                    name="markdown"
                    hint="Markdown. The first draft holds what is known; every saved revision is stored."
                    value=value
                    error=refused
                    rows=18
                    mono=true
                />
                <div class="row">
                    <Button submit=true pending=state.save.pending()>
                        "Save post-mortem"
                    </Button>
                </div>
            </ActionForm>
        </Panel>
    }
    .into_any()
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
                <dd>{crate::labels::outside(&incident.created_by)} ", " <RelativeTime at=incident.created_at as_of=as_of /></dd>
                <dt>"Source"</dt>
                <dd class="mono">{crate::labels::outside(&incident.source)}</dd>
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
                            <dt>"Acknowledged by"</dt>
                            <dd>{crate::labels::outside(&by)} ", " <RelativeTime at=at as_of=as_of /></dd>
                        }
                    })}
            </dl>
        </Panel>
    }
}
