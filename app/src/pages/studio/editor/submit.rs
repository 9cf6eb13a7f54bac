//! *Submit for review*: its obstacles, and the dialog that asks for the fallback plan.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use lifecycle::review::{RemovedGuard, Retirement};

use super::{
    saving::save,
    state::{EditorState, SideTab},
};
use crate::{
    api::{bundles, safeguards},
    components::{Button, ButtonKind, Dialog, Notice, TextArea, Tone},
    error::AppError,
    labels,
};

/// The button that opens the dialog.
#[component]
pub fn SubmitButton(editor: EditorState, open: RwSignal<bool>) -> impl IntoView {
    let obstacles = Memo::new(move |_| editor.obstacles());
    view! {
        <Button
            kind=ButtonKind::Primary
            disabled=Signal::derive(move || obstacles.with(|obstacles| !obstacles.is_empty()))
            attr:aria-describedby="obstacles"
            on_click=move |_| open.set(true)
        >
            "Submit for review"
        </Button>
    }
}

/// The obstacles to submitting, in one line under the heading.
#[component]
pub fn Obstacles(editor: EditorState) -> impl IntoView {
    let obstacles = Memo::new(move |_| editor.obstacles());
    view! {
        <div id="obstacles" class="obstacles">
            <Show when=move || obstacles.with(|obstacles| !obstacles.is_empty())>
                <button type="button" class="obstacles-line" on:click=move |_| editor.panes.open_side(SideTab::Problems)>
                    <span aria-hidden="true">"✕ "</span>
                    {move || format!("Before it can be submitted: {}", obstacles.get().join(" · "))}
                </button>
            </Show>
        </div>
    }
}

/// A guard that the draft removes, and why it may go, as typed.
#[derive(Debug, Clone)]
struct Removal {
    guard: RemovedGuard,
    reason: RwSignal<String>,
}

/// Takes over what the draft removes now; reasons that were typed before stay.
fn keep_reasons(removals: RwSignal<Vec<Removal>>, removed: Vec<RemovedGuard>) {
    removals.update(|known| {
        let reason = |guard: &RemovedGuard| {
            let before = known.iter().find(|other| other.guard.kind == guard.kind && other.guard.id == guard.id);
            before.map_or_else(|| RwSignal::new(String::new()), |other| other.reason)
        };
        *known = removed.into_iter().map(|guard| Removal { reason: reason(&guard), guard }).collect();
    });
}

fn retirements(removals: RwSignal<Vec<Removal>>) -> Vec<Retirement> {
    removals.with_untracked(|removals| {
        let retire = |removal: &Removal| Retirement {
            kind: removal.guard.kind,
            id: removal.guard.id.clone(),
            reason: removal.reason.get_untracked().trim().to_owned(),
        };
        removals.iter().map(retire).collect()
    })
}

/// The guards that the draft removes, each with a field for the reason.
#[component]
fn RemovedGuards(removals: RwSignal<Vec<Removal>>) -> impl IntoView {
    move || {
        let removals = removals.get();
        (!removals.is_empty()).then(|| {
            view! {
                <Notice tone=Tone::Warn>
                    <strong>"This draft removes what guards"</strong>
                    <p>"Say for each why it may go. A safety owner has to be among the two people who sign."</p>
                </Notice>
                {removals
                    .into_iter()
                    .map(|Removal { guard, reason }| {
                        let hint = format!("The {} {}.", guard.kind.words(), guard.loses);
                        view! {
                            <TextArea
                                label=format!("Why {} may go", guard.id)
                                name="retire"
                                id=format!("retire-{}-{}", guard.kind.words().replace(' ', "-"), guard.id)
                                value=reason
                                rows=2
                                required=true
                                hint=labels::unticked(&hint)
                            />
                        }
                    })
                    .collect_view()}
            }
        })
    }
}

/// Asks for the fallback plan and builds the packet.
#[component]
pub fn SubmitDialog(editor: EditorState, open: RwSignal<bool>) -> impl IntoView {
    let plan = RwSignal::new(String::new());
    let missing = RwSignal::new(false);
    let pending = RwSignal::new(false);
    let refused = RwSignal::new(None::<AppError>);
    let removals = RwSignal::new(Vec::<Removal>::new());
    let navigate = use_navigate();
    let error = Signal::derive(move || {
        (missing.get() && plan.with(|plan| plan.trim().is_empty()))
            .then(|| "Say what to do when it goes wrong. Reviewers and the person on call read it.".to_owned())
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if plan.with_untracked(|plan| plan.trim().is_empty()) {
            missing.set(true);
            return;
        }
        if pending.get_untracked() {
            return;
        }
        pending.set(true);
        refused.set(None);
        let navigate = navigate.clone();
        spawn_local(async move {
            // Reviewers see the version on the server, so unsaved edits are saved first.
            if editor.document.dirty().get_untracked() && !save(editor).await {
                pending.set(false);
                open.set(false);
                return;
            }
            // What guards is removed only with a reason, which a safety owner countersigns.
            match safeguards::removed_guards(editor.save.bundle_id()).await {
                Ok(removed) => keep_reasons(removals, removed),
                Err(error) => {
                    refused.set(Some(error));
                    pending.set(false);
                    return;
                }
            }
            let retires = retirements(removals);
            if retires.iter().any(|retired| retired.reason.is_empty()) {
                pending.set(false);
                return;
            }
            match bundles::submit_draft(editor.save.bundle_id(), plan.get_untracked(), retires).await {
                Ok(packet) => navigate(&format!("/reviews/{packet}"), NavigateOptions::default()),
                Err(error) => {
                    refused.set(Some(error));
                    pending.set(false);
                }
            }
        });
    };
    let version = move || editor.document.content().with(|content| content.head().version.clone().unwrap_or_default());
    view! {
        <Dialog open=open id="submit" title="Submit for review">
            <form class="stack" on:submit=submit novalidate>
                <p class="muted">
                    "A packet with the changes, findings and a replay of recorded decisions is built for reviewers. Editing the draft afterwards voids it."
                </p>
                <TextArea
                    label="Fallback plan"
                    name="fallback_plan"
                    id="fallback-plan"
                    value=plan
                    rows=4
                    required=true
                    error=error
                    placeholder="Roll back to the version before; the mail team watches the queue for an hour."
                />
                <RemovedGuards removals=removals />
                {move || {
                    refused
                        .get()
                        .map(|error| {
                            view! {
                                <Notice tone=Tone::Bad>
                                    <p role="alert">{error.detail().to_owned()}</p>
                                </Notice>
                            }
                        })
                }}
                <div class="dialog-foot">
                    <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                    <Button kind=ButtonKind::Primary submit=true pending=pending>
                        {move || format!("Submit {}", version())}
                    </Button>
                </div>
            </form>
        </Dialog>
    }
}
