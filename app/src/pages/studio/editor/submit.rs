//! *Submit for review*: its obstacles, and the dialog that asks for the fallback plan.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::{
    saving::save,
    state::{EditorState, SideTab},
};
use crate::{
    api::bundles,
    components::{Button, ButtonKind, Dialog, Notice, TextArea, Tone},
    error::AppError,
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

/// Asks for the fallback plan and builds the packet.
#[component]
pub fn SubmitDialog(editor: EditorState, open: RwSignal<bool>) -> impl IntoView {
    let plan = RwSignal::new(String::new());
    let missing = RwSignal::new(false);
    let pending = RwSignal::new(false);
    let refused = RwSignal::new(None::<AppError>);
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
            match bundles::submit_draft(editor.save.bundle_id(), plan.get_untracked()).await {
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
