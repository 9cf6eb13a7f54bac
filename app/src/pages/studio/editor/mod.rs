//! The editor of one bundle.
//!
//! ```text
//! desk, stable   the state every part reads and writes; what the draft is compared with
//! beside         the way to the web worker that lints, compares, replays; corpus fetches recorded decisions for it
//! analysis       sends it each change and takes over what is told
//! replaying      what replaying shows, and the draft as understood
//! table, row     the rules in evaluation order; drag, inline  what can be done in a row itself
//! form, controls, condition_rows, names   the form of one rule
//! source_tab, bundle_tab   the document as text; what belongs to no rule
//! policy_map     the answers over two fields, as a picture
//! problems, changes, meaning, coverage     the side panel
//! dock: simulate, one_input, why_not, sweep, test_cases, proposed
//! saving, submit           to the server, and to reviewers
//! paste_rules, keyboard    clipboard and keys
//! ```

mod analysis;
mod boundary_cases;
mod bundle_tab;
mod changes;
mod condition_rows;
mod controls;
mod corpus;
mod coverage;
mod dock;
mod drag;
mod form;
mod inline;
mod keyboard;
mod meaning;
mod names;
mod one_input;
mod paste_rules;
mod policy_map;
mod problems;
mod replaying;
mod row;
mod rule_link;
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

use self::state::EditorState;
use super::export_path;
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
    let again = RwSignal::new(0_u32);
    let bench = Resource::new(
        move || (id.get(), again.get()),
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
                    Ok(bench) => view! { <Opened bench=bench again=again /> }.into_any(),
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
fn Opened(bench: Workbench, again: RwSignal<u32>) -> impl IntoView {
    let desk = EditorState::open(&bench);
    let submitting = RwSignal::new(false);
    let pasting = RwSignal::new(false);
    let pasted = RwSignal::new(String::new());
    saving::keep(desk);
    keyboard::listen(desk);
    paste_rules::listen(desk, pasting, pasted);
    one_input::of_decision(desk);

    let problems = Signal::derive(move || Some(desk.checked.with(|checked| checked.report.summary.total_issues)));
    let changes = Signal::derive(move || {
        desk.checked.with(|checked| {
            let diff = checked.diff.as_ref()?;
            Some(
                diff.rules_added.len()
                    + diff.rules_removed.len()
                    + diff.rules_modified.len()
                    + diff.settings_changed.len(),
            )
        })
    });
    let rules = Signal::derive(move || Some(desk.content.with(|content| content.rules().len())));
    let side_tabs = vec![
        Tab::new("problems", "Problems").counting(problems),
        Tab::new("changes", "Changes").counting(changes),
        Tab::new("rule", "Rule"),
    ];
    let main_tabs = vec![
        Tab::new("rules", "Rules").counting(rules),
        Tab::new("map", "Policy map"),
        Tab::new("source", "Source"),
        Tab::new("bundle", "Bundle"),
    ];
    let has_rule = move || desk.selected.read().is_some() && desk.side.read().as_str() == "rule";
    view! {
        <div class="studio-editor wide">
            <Head desk=desk bench=bench submitting=submitting again=again />
            <saving::Restored desk=desk />
            <div class="studio-grid">
                <section class="panel panel-flush studio-main" aria-label="Document">
                    <Tabs group="main" label="Document" tabs=main_tabs selected=desk.main on_select=move |id| desk.main.set(id)>
                        <Filter desk=desk />
                        {desk
                            .editable
                            .then(|| {
                                view! {
                                    <Button small=true kind=ButtonKind::Ghost on_click=move |_| pasting.set(true)>
                                        "Paste rules"
                                    </Button>
                                }
                            })}
                    </Tabs>
                    <TabPanel group="main" id="rules" selected=desk.main>
                        <table::RulesTable desk=desk />
                    </TabPanel>
                    <TabPanel group="main" id="map" selected=desk.main>
                        <policy_map::PolicyMapTab desk=desk />
                    </TabPanel>
                    <TabPanel group="main" id="source" selected=desk.main>
                        <source_tab::SourceTab desk=desk />
                    </TabPanel>
                    <TabPanel group="main" id="bundle" selected=desk.main>
                        <bundle_tab::BundleTab desk=desk />
                    </TabPanel>
                </section>
                <section class="panel panel-flush studio-side" class:has-rule=has_rule aria-label="About the draft">
                    <Tabs group="side" label="About the draft" tabs=side_tabs selected=desk.side on_select=move |id| desk.side.set(id) />
                    <TabPanel group="side" id="problems" selected=desk.side>
                        <problems::Problems desk=desk />
                    </TabPanel>
                    <TabPanel group="side" id="changes" selected=desk.side>
                        <changes::Changes desk=desk />
                    </TabPanel>
                    <TabPanel group="side" id="rule" selected=desk.side>
                        <form::RulePanel desk=desk />
                    </TabPanel>
                </section>
            </div>
            <dock::Dock desk=desk />
            <submit::SubmitDialog desk=desk open=submitting />
            <saving::StaleDialog desk=desk />
            <paste_rules::PasteDialog desk=desk open=pasting typed=pasted />
        </div>
    }
}

/// The heading, what is said beside it, and the buttons.
#[component]
fn Head(desk: EditorState, bench: Workbench, submitting: RwSignal<bool>, again: RwSignal<u32>) -> impl IntoView {
    let title = Memo::new(move |_| {
        desk.record.with(|record| {
            let what = if record.state.is_editable() { "Draft" } else { "Bundle" };
            format!("{what} {}", record.version)
        })
    });
    let state = Memo::new(move |_| desk.record.with(|record| record.state));
    let base = bench.record.base_version.clone();
    let packet = StoredValue::new(bench.packet_id.clone());
    let imported = StoredValue::new(bench.record.provenance.clone());
    let may_edit = bench.may_edit;
    let beside = move || {
        let base = base.clone();
        view! {
            {move || view! { <StateChip state=state.get() /> }}
            {base.map(|base| view! { <span class="muted">{format!("from {base}")}</span> })}
            {imported.get_value().map(|imported| view! { <Imported provenance=imported /> })}
            {desk.editable.then(|| view! { <saving::SaveState desk=desk /> })}
        }
    };
    let actions = move || {
        if desk.editable {
            view! { <EditActions desk=desk submitting=submitting /> }.into_any()
        } else {
            view! { <ReadActions desk=desk state=state.get_untracked() packet=packet.get_value() may_edit=may_edit again=again /> }
                .into_any()
        }
    };
    view! {
        {move || {
            view! {
                <PageHead
                    title=title.get()
                    above=vec![("Studio".to_owned(), "/studio".to_owned())]
                    meta=beside.clone()
                    actions=actions
                />
            }
        }}
        {desk.editable.then(|| view! { <submit::Obstacles desk=desk /> })}
        {(!desk.editable).then(|| view! { <WhyReadOnly state=state.get_untracked() may_edit=may_edit /> })}
    }
}

/// Undo, redo, save, submit.
#[component]
fn EditActions(desk: EditorState, submitting: RwSignal<bool>) -> impl IntoView {
    let no_undo = Memo::new(move |_| desk.editor.with(|editor| !editor.can_undo()));
    let no_redo = Memo::new(move |_| desk.editor.with(|editor| !editor.can_redo()));
    let saving = Memo::new(move |_| desk.saving.get() == state::Saving::Now);
    view! {
        <Button attr:aria-label="Undo" attr:title="Undo (Ctrl Z)" disabled=no_undo on_click=move |_| desk.undo()>"↶"</Button>
        <Button attr:aria-label="Redo" attr:title="Redo (Ctrl Y)" disabled=no_redo on_click=move |_| desk.redo()>"↷"</Button>
        <Button attr:title="Save draft (Ctrl S)" pending=saving on_click=move |_| saving::start(desk)>
            "Save draft"
        </Button>
        <ExportLink desk=desk />
        <submit::SubmitButton desk=desk open=submitting />
    }
}

/// What can be done with a bundle that cannot be edited.
#[component]
fn ReadActions(
    desk: EditorState,
    state: State,
    packet: Option<String>,
    may_edit: bool,
    again: RwSignal<u32>,
) -> impl IntoView {
    let navigate = use_navigate();
    let toasts = use_toasts();
    let pending = RwSignal::new(false);
    let id = desk.bundle_id;
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
                    again.update(|again| *again += 1);
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
        {may_edit.then(|| view! { <ExportLink desk=desk /> })}
        {may_edit
            .then(|| view! { <Button kind=ButtonKind::Primary pending=pending on_click=clone>"Clone into a new draft"</Button> })}
    }
}

/// The saved bundle as a signed file.
#[component]
fn ExportLink(desk: EditorState) -> impl IntoView {
    view! {
        <LinkButton href=export_path(desk.bundle_id) download=true attr:title="Download what is saved as a signed file">
            "Export"
        </LinkButton>
    }
}

/// That it came from elsewhere; the *Bundle* tab says more.
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

/// Why nothing can be changed here.
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
fn Filter(desk: EditorState) -> impl IntoView {
    view! {
        <span class="rules-filter" class:is-hidden=move || desk.main.read().as_str() != "rules">
            <input
                id="rules-filter"
                class="input input-small"
                type="search"
                aria-label="Filter rules"
                placeholder="Filter rules…"
                title="Words, or effect:deny agent:inbox action: tag: is:disabled"
                autocomplete="off"
                prop:value=desk.filter
                on:input=move |event| desk.filter.set(event_target_value(&event))
            />
            <Kbd key="/" />
        </span>
    }
}
