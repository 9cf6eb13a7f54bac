//! The editor of one bundle.
//!
//! ```text
//! state            the state of the page in five parts: document, selection, panes, results, save
//! stable           the bundle that the draft is compared with
//! checked, draft, replay_result   what is known about the draft: findings, the parsed bundle, the replay
//! worker_client    the connection to the web worker; corpus fetches recorded decisions for it
//! analysis         sends the worker each change of the document and records its results
//! draft_parsing    parses the draft on the page, for tabs that evaluate single inputs
//! table, row       the rules in evaluation order; drag and inline are what can be done in a row
//! form             the form of one rule, with controls, condition_rows, names, coverage, shadowed_by
//! source_tab, bundle_tab, policy_map          the other tabs of the document
//! problems, changes, meaning                  the side panel
//! dock             simulate, one_input, why_not, sweep, test_cases, saved_tests, boundary_cases
//! saving, save_conflict, local_copy, submit   to the server, on this device, and to reviewers
//! paste_rules, keyboard                       clipboard and keyboard shortcuts
//! ```

mod analysis;
mod boundary_cases;
mod bundle_tab;
mod changes;
mod checked;
mod condition_rows;
mod controls;
mod corpus;
mod coverage;
mod dock;
mod draft;
mod draft_parsing;
mod drag;
mod form;
mod inline;
mod keyboard;
mod local_copy;
mod meaning;
mod names;
mod one_input;
mod paste_rules;
mod policy_map;
mod problems;
mod replay_result;
mod row;
mod rule_link;
mod save_conflict;
mod saved_tests;
mod saving;
mod shadowed_by;
mod simulate;
mod source_tab;
mod stable;
mod state;
mod submit;
mod sweep;
mod table;
mod test_cases;
mod why_not;
mod worker_client;

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};
use lifecycle::{
    bundle::{Provenance, State},
    problem::Code,
};

use self::state::{EditorState, MainTab, SaveStatus, SideTab, TabRow};
use super::routes::export_path;
use crate::{
    api::bundles::{self, Workbench},
    components::{
        Button, ButtonKind, Chip, ErrorPanel, Kbd, LinkButton, Notice, PageHead, Skeleton, StateChip, Tab, TabPanel,
        Tabs, Tone, use_toasts,
    },
    error::AppError,
};

/// The page.
#[component]
pub fn Editor() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("bundle_id").and_then(|id| id.parse::<i64>().ok()));
    let reloads = RwSignal::new(0_u32);
    let bench = Resource::new(
        move || (id.get(), reloads.get()),
        |(id, _)| async move {
            match id {
                Some(id) => bundles::open_bundle(id).await,
                None => Err(AppError::new(Code::NotFound, "There is no such bundle.")),
            }
        },
    );
    view! {
        <Suspense fallback=|| view! { <Skeleton lines=8 /> }>
            {move || Suspend::new(async move {
                match bench.await {
                    Ok(bench) => view! { <Opened bench=bench reloads=reloads /> }.into_any(),
                    Err(error) => {
                        view! {
                            <PageHead title="Draft" above=vec![("Studio".to_owned(), "/studio".to_owned())] />
                            <ErrorPanel error=error />
                        }
                            .into_any()
                    }
                }
            })}
        </Suspense>
    }
}

/// An open bundle.
#[component]
fn Opened(bench: Workbench, reloads: RwSignal<u32>) -> impl IntoView {
    let editor = EditorState::open(&bench);
    let submitting = RwSignal::new(false);
    let pasting = RwSignal::new(false);
    let pasted = RwSignal::new(String::new());
    local_copy::keep_unsaved_edits(editor);
    saving::retry_when_online(editor);
    keyboard::listen(editor);
    paste_rules::listen(editor, pasting, pasted);
    one_input::open_linked_decision(editor);

    let problems =
        Signal::derive(move || Some(editor.results.checked().with(|checked| checked.report.summary.total_issues)));
    let changes = Signal::derive(move || {
        editor.results.checked().with(|checked| {
            let diff = checked.diff.as_ref()?;
            Some(
                diff.rules_added.len()
                    + diff.rules_removed.len()
                    + diff.rules_modified.len()
                    + diff.settings_changed.len(),
            )
        })
    });
    let rules = Signal::derive(move || Some(editor.document.content().with(|content| content.rules().len())));
    let main_tabs = MainTab::ALL
        .iter()
        .map(|tab| {
            let button = Tab::new(tab.id(), tab.label());
            if *tab == MainTab::Rules { button.counting(rules) } else { button }
        })
        .collect::<Vec<_>>();
    let side_tabs = SideTab::ALL
        .iter()
        .map(|tab| {
            let button = Tab::new(tab.id(), tab.label());
            match tab {
                SideTab::Problems => button.counting(problems),
                SideTab::Changes => button.counting(changes),
                SideTab::Rule => button,
            }
        })
        .collect::<Vec<_>>();
    let main = Memo::new(move |_| editor.panes.main().get().id().to_owned());
    let side = Memo::new(move |_| editor.panes.side().get().id().to_owned());
    let select_main = move |id: String| {
        if let Some(tab) = MainTab::from_id(&id) {
            editor.panes.open_main(tab);
        }
    };
    let select_side = move |id: String| {
        if let Some(tab) = SideTab::from_id(&id) {
            editor.panes.open_side(tab);
        }
    };
    let has_rule = move || editor.selection.selected().read().is_some() && editor.panes.side().get() == SideTab::Rule;
    view! {
        <div class="studio-editor wide">
            <Head editor=editor bench=bench submitting=submitting reloads=reloads />
            <saving::RestoredNotice editor=editor />
            <div class="studio-grid">
                <section class="panel panel-flush studio-main" aria-label="Document">
                    <Tabs group="main" label="Document" tabs=main_tabs selected=main on_select=select_main>
                        <Filter editor=editor />
                        {editor
                            .document
                            .is_editable()
                            .then(|| {
                                view! {
                                    <Button small=true kind=ButtonKind::Ghost on_click=move |_| pasting.set(true)>
                                        "Paste rules"
                                    </Button>
                                }
                            })}
                    </Tabs>
                    <TabPanel group="main" id=MainTab::Rules.id() selected=main>
                        <table::RulesTable editor=editor />
                    </TabPanel>
                    <TabPanel group="main" id=MainTab::Map.id() selected=main>
                        <policy_map::PolicyMapTab editor=editor />
                    </TabPanel>
                    <TabPanel group="main" id=MainTab::Source.id() selected=main>
                        <source_tab::SourceTab editor=editor />
                    </TabPanel>
                    <TabPanel group="main" id=MainTab::Bundle.id() selected=main>
                        <bundle_tab::BundleTab editor=editor />
                    </TabPanel>
                </section>
                <section class="panel panel-flush studio-side" class:has-rule=has_rule aria-label="About the draft">
                    <Tabs group="side" label="About the draft" tabs=side_tabs selected=side on_select=select_side />
                    <TabPanel group="side" id=SideTab::Problems.id() selected=side>
                        <problems::Problems editor=editor />
                    </TabPanel>
                    <TabPanel group="side" id=SideTab::Changes.id() selected=side>
                        <changes::Changes editor=editor />
                    </TabPanel>
                    <TabPanel group="side" id=SideTab::Rule.id() selected=side>
                        <form::RulePanel editor=editor />
                    </TabPanel>
                </section>
            </div>
            <dock::Dock editor=editor />
            <submit::SubmitDialog editor=editor open=submitting />
            <save_conflict::ConflictDialog editor=editor />
            <paste_rules::PasteDialog editor=editor open=pasting typed=pasted />
        </div>
    }
}

/// The heading with its chips, and the buttons.
#[component]
fn Head(editor: EditorState, bench: Workbench, submitting: RwSignal<bool>, reloads: RwSignal<u32>) -> impl IntoView {
    let title = Memo::new(move |_| {
        editor.save.record().with(|record| {
            let what = if record.state.is_editable() { "Draft" } else { "Bundle" };
            format!("{what} {}", record.version)
        })
    });
    let state = Memo::new(move |_| editor.save.record().with(|record| record.state));
    let base = bench.record.base_version.clone();
    let packet = StoredValue::new(bench.packet_id.clone());
    let imported = StoredValue::new(bench.record.provenance.clone());
    let may_edit = bench.may_edit;
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
                    beside=chips.clone()
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

/// The filter of the rules table.
#[component]
fn Filter(editor: EditorState) -> impl IntoView {
    view! {
        <span class="rules-filter" class:is-hidden=move || editor.panes.main().get() != MainTab::Rules>
            <input
                id="rules-filter"
                class="input input-small"
                type="search"
                aria-label="Filter rules"
                placeholder="Filter rules…"
                title="Words, or effect:deny agent:inbox action: tag: is:disabled"
                autocomplete="off"
                prop:value=editor.selection.filter()
                on:input=move |event| editor.selection.set_filter(event_target_value(&event))
            />
            <Kbd key="/" />
        </span>
    }
}
