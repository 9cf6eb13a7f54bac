//! The heading of the editor: the bundle's state, and buttons for the actions on the bundle.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use lifecycle::bundle::{Provenance, State};

use super::{
    saving,
    state::{EditorState, SaveStatus},
    submit,
};
use crate::{
    api::bundles::{self, Workbench},
    components::{Button, ButtonKind, Chip, LinkButton, Notice, PageHead, StateChip, Tone, use_toasts},
    pages::studio::routes::export_path,
};

/// The heading with its chips, and the buttons.
#[component]
pub fn Head(
    editor: EditorState,
    workbench: Workbench,
    submitting: RwSignal<bool>,
    reloads: RwSignal<u32>,
) -> impl IntoView {
    let title = Memo::new(move |_| {
        editor.save.record().with(|record| {
            let what = if record.state.is_editable() { "Draft" } else { "Bundle" };
            format!("{what} {}", record.version)
        })
    });
    let state = Memo::new(move |_| editor.save.record().with(|record| record.state));
    let base = workbench.record.base_version.clone();
    let packet = StoredValue::new(workbench.packet_id.clone());
    let imported = StoredValue::new(workbench.record.provenance.clone());
    let may_edit = workbench.may_edit;
    let chips = move || {
        let base = base.clone();
        view! {
            {move || view! { <StateChip state=state.get() /> }}
            {base.map(|base| view! { <span class="muted">{format!("from {base}")}</span> })}
            {imported.get_value().map(|imported| view! { <Imported provenance=imported /> })}
            {editor.document.is_editable().then(|| view! { <saving::SaveStatusLine editor=editor /> })}
        }
    };
    let actions = move || {
        if editor.document.is_editable() {
            view! { <EditActions editor=editor submitting=submitting /> }.into_any()
        } else {
            view! { <ReadActions editor=editor state=state.get_untracked() packet=packet.get_value() may_edit=may_edit reloads=reloads /> }
                .into_any()
        }
    };
    view! {
        {move || {
            view! {
                <PageHead
                    title=title.get()
                    above=vec![("Studio".to_owned(), "/studio".to_owned())]
                    meta=chips.clone()
                    actions=actions
                />
            }
        }}
        {editor.document.is_editable().then(|| view! { <submit::Obstacles editor=editor /> })}
        {(!editor.document.is_editable()).then(|| view! { <WhyReadOnly state=state.get_untracked() may_edit=may_edit /> })}
    }
}

/// Undo, redo, save, submit.
#[component]
fn EditActions(editor: EditorState, submitting: RwSignal<bool>) -> impl IntoView {
    let no_undo = Memo::new(move |_| !editor.document.can_undo());
    let no_redo = Memo::new(move |_| !editor.document.can_redo());
    let saving = Memo::new(move |_| editor.save.status().get() == SaveStatus::Saving);
    view! {
        <Button attr:aria-label="Undo" attr:title="Undo (Ctrl Z)" disabled=no_undo on_click=move |_| editor.undo()>"↶"</Button>
        <Button attr:aria-label="Redo" attr:title="Redo (Ctrl Y)" disabled=no_redo on_click=move |_| editor.redo()>"↷"</Button>
        <Button attr:title="Save draft (Ctrl S)" pending=saving on_click=move |_| saving::start_save(editor)>
            "Save draft"
        </Button>
        <ExportLink editor=editor />
        <submit::SubmitButton editor=editor open=submitting />
    }
}

/// The actions for a bundle that cannot be edited.
#[component]
fn ReadActions(
    editor: EditorState,
    state: State,
    packet: Option<String>,
    may_edit: bool,
    reloads: RwSignal<u32>,
) -> impl IntoView {
    let navigate = use_navigate();
    let toasts = use_toasts();
    let pending = RwSignal::new(false);
    let id = editor.save.bundle_id();
    let clone = move |_| {
        let navigate = navigate.clone();
        pending.set(true);
        spawn_local(async move {
            match bundles::clone_bundle(id).await {
                Ok(id) => navigate(&format!("/studio/{id}"), NavigateOptions::default()),
                Err(error) => {
                    toasts.bad(&error);
                    pending.set(false);
                }
            }
        });
    };
    let withdraw = move |_| {
        pending.set(true);
        spawn_local(async move {
            match bundles::withdraw_bundle(id).await {
                Ok(()) => {
                    toasts.good("Withdrawn: it is a draft again, and its packet is void.");
                    reloads.update(|reloads| *reloads += 1);
                }
                Err(error) => {
                    toasts.bad(&error);
                    pending.set(false);
                }
            }
        });
    };
    let in_review = matches!(state, State::InReview | State::Approved);
    view! {
        {packet.filter(|_| state != State::Draft).map(|packet| view! { <LinkButton href=format!("/reviews/{packet}")>"Open packet"</LinkButton> })}
        {(in_review && may_edit)
            .then(|| view! { <Button pending=pending attr:title="Back to a draft; voids the packet and every approval on it" on_click=withdraw>"Withdraw"</Button> })}
        {may_edit.then(|| view! { <ExportLink editor=editor /> })}
        {may_edit
            .then(|| view! { <Button kind=ButtonKind::Primary pending=pending on_click=clone>"Clone into a new draft"</Button> })}
    }
}

/// The saved bundle as a signed file.
#[component]
fn ExportLink(editor: EditorState) -> impl IntoView {
    view! {
        <LinkButton href=export_path(editor.save.bundle_id()) download=true attr:title="Download what is saved as a signed file">
            "Export"
        </LinkButton>
    }
}

/// The chip of an imported bundle; the *Bundle* tab says more.
#[component]
fn Imported(provenance: Provenance) -> impl IntoView {
    let (tone, words) =
        if provenance.signed { (Tone::Neutral, "imported, signed") } else { (Tone::Warn, "imported, unsigned") };
    view! {
        <Chip tone=tone attr:title=provenance.describe()>
            {words}
        </Chip>
    }
}

/// Why the bundle cannot be edited.
#[component]
fn WhyReadOnly(state: State, may_edit: bool) -> impl IntoView {
    let why = match state {
        _ if !may_edit => "Your roles let you read bundles, not edit them.",
        State::InReview => "Reviewers are looking at exactly this. Withdraw it to edit it; that voids the packet.",
        State::Approved => "It was approved as it is. Withdraw it to edit it; that voids the approvals.",
        State::Shadow | State::Canary | State::Active => {
            "It is in service and never changes. Clone it to go on from it."
        }
        _ => "It is kept as it was. Clone it to go on from it.",
    };
    view! {
        <Notice tone=Tone::Neutral>
            <p>{why}</p>
        </Notice>
    }
}
