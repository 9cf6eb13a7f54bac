//! One incident: what happened, what is due, and who has taken it.

use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_params_map;
use lifecycle::{
    authority::Permission,
    incident::{Incident, Status, Step, post_mortem::PostMortem},
};
use policy::Timestamp;

use super::{
    ClockChip,
    clock::{acknowledge, investigate},
};
use crate::{
    api::incidents::{AdvanceIncident, OneIncident, SavePostMortem, get_incident},
    components::{
        Button, ButtonKind, ErrorPanel, IncidentStatusChip, Notice, PageHead, Panel, RelativeTime, SeverityChip,
        Skeleton, TextArea, Tone, format, use_toasts,
    },
    frame::live::use_live,
};

/// What is typed and sent. Kept outside of what is fetched again.
#[derive(Clone, Copy)]
struct Desk {
    advance: ServerAction<AdvanceIncident>,
    /// The note that goes with the next step.
    note: RwSignal<String>,
    save: ServerAction<SavePostMortem>,
    /// What was typed of the post-mortem, and the revision it was typed on; none before anything was.
    text: RwSignal<Option<(i64, String)>>,
}

/// One incident.
#[component]
pub fn IncidentPage() -> impl IntoView {
    let params = use_params_map();
    let live = use_live();
    let id = Memo::new(move |_| params.read().get("incident_id").unwrap_or_default());
    let incident = Resource::new(move || (id.get(), live.changed()), |(id, _)| get_incident(id));
    let desk = Desk {
        advance: ServerAction::new(),
        note: RwSignal::new(String::new()),
        save: ServerAction::new(),
        text: RwSignal::new(None),
    };
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(Ok(status)) = desk.advance.value().get() {
            desk.note.set(String::new());
            toasts.good(match status {
                Status::Open | Status::Acknowledged => "Acknowledged. It is yours.",
                Status::Mitigated => "Mitigated: the damage has stopped.",
                Status::Resolved => "Resolved: the cause is gone.",
                Status::Closed => "Closed.",
            });
            live.refresh();
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(())) = desk.save.value().get() {
            toasts.good("The post-mortem is saved.");
            desk.text.set(None);
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
                    Ok(incident) => view! { <Page one=incident desk=desk above=above() /> }.into_any(),
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
fn Page(one: OneIncident, desk: Desk, above: Vec<(String, String)>) -> impl IntoView {
    let OneIncident { incident, post_mortem, me, as_of } = one;
    let (severity, status) = (incident.severity, incident.status);
    let id = incident.id.clone();
    let open = incident.status == Status::Open;
    let may = me.may(Permission::HandleIncidents);
    let (timeline, known) = (incident.timeline.clone(), incident.description.clone());
    let ack = open.then(|| incident.id.clone());
    let refused =
        Signal::derive(move || desk.advance.value().get().and_then(Result::err).map(|error| error.detail().to_owned()));
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
                            <ActionForm action=desk.advance>
                                <input type="hidden" name="incident_id" value=id />
                                <input type="hidden" name="step" value="acknowledge" />
                                <Button kind=ButtonKind::Primary submit=true pending=desk.advance.pending()>
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
                    {(may && !open && status != Status::Closed)
                        .then(|| view! { <NextStep id=incident.id.clone() status=status desk=desk /> })}
                    <Clocks incident=incident.clone() as_of=as_of />
                    <Facts incident=incident as_of=as_of />
                </div>
            </div>
            <PostMortemPanel it=post_mortem desk=desk may=may as_of=as_of />
        </div>
    }
}

/// What comes next, with a note for the timeline.
#[component]
fn NextStep(id: String, status: Status, desk: Desk) -> impl IntoView {
    let (hint, steps) = match status {
        Status::Open | Status::Acknowledged => (
            "What was done, what was found. It stands in the timeline.",
            vec![(Step::Mitigate, "Mark mitigated"), (Step::Resolve, "Resolve")],
        ),
        Status::Mitigated => {
            ("What the cause was, and what keeps it from coming back.", vec![(Step::Resolve, "Resolve")])
        }
        Status::Resolved | Status::Closed => ("Anything left to say.", vec![(Step::Close, "Close")]),
    };
    view! {
        <Panel title="Next step">
            <ActionForm action=desk.advance attr:class="stack">
                <input type="hidden" name="incident_id" value=id />
                <TextArea label="Note" name="note" hint=hint value=desk.note rows=4 />
                <div class="row">
                    {steps
                        .into_iter()
                        .enumerate()
                        .map(|(at, (step, words))| {
                            view! {
                                <Button
                                    kind=if at == 0 { ButtonKind::Primary } else { ButtonKind::Secondary }
                                    submit=true
                                    pending=desk.advance.pending()
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

/// What was learned: read by everybody, written by who handles incidents.
#[component]
fn PostMortemPanel(it: PostMortem, desk: Desk, may: bool, as_of: Timestamp) -> impl IntoView {
    let PostMortem { incident_id, revision, markdown, open_places, required, written_by, written_at } = it;
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
        Signal::derive(move || desk.save.value().get().and_then(Result::err).map(|error| error.detail().to_owned()));
    if !may {
        let text = if revision == 0 { "Nobody has written one yet.".to_owned() } else { markdown };
        return view! {
            <Panel title="Post-mortem" note=note>
                {saved}
                <p class="prose post-mortem">{text}</p>
            </Panel>
        }
        .into_any();
    }
    let written = desk.text.get_untracked();
    let on = written.as_ref().map_or(revision, |(on, _)| *on);
    let value = RwSignal::new(written.map_or(markdown, |(_, text)| text));
    Effect::new(move |before: Option<()>| {
        let text = value.get();
        if before.is_some() {
            desk.text.set(Some((on, text)));
        }
    });
    view! {
        <Panel title="Post-mortem" note=note>
            <ActionForm action=desk.save attr:class="stack">
                {saved}
                <input type="hidden" name="incident_id" value=incident_id />
                <input type="hidden" name="revision" value=on.to_string() />
                <TextArea
                    label="What happened, why, and what is done about it"
                    name="markdown"
                    hint="Markdown. It begins with what is known; every save is kept."
                    value=value
                    error=refused
                    rows=18
                    mono=true
                />
                <div class="row">
                    <Button submit=true pending=desk.save.pending()>
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
