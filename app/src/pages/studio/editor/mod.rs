//! The editor of one bundle.
//!
//! ```text
//! state            the state of the page in five parts: document, selection, panes, results, save
//! worker_client    the connection to the web worker; corpus fetches recorded decisions for it
//! analysis         sends the worker each change of the document and records its results
//! draft_parsing    parses the draft on the page, for tabs that evaluate single inputs
//! head             the heading with its chips and buttons
//! table, row       the rules in evaluation order; drag and inline are what can be done in a row
//! form             the form of one rule, with controls, condition_rows, approval_terms, names, coverage, shadowed_by
//! source_tab, bundle_tab, policy_map          the other tabs of the document
//! problems, changes, meaning                  the side panel
//! dock             simulate, one_input, why_not, sweep, test_cases, test_case_list, boundary_cases
//! saving, save_conflict, local_copy, submit   to the server, on this device, and to reviewers
//! paste_rules, keyboard                       clipboard and keyboard shortcuts
//! ```

mod approval_terms;
mod boundary_cases;
mod bundle_tab;
mod changes;
mod condition_rows;
mod controls;
mod corpus;
mod coverage;
mod dock;
mod draft_parsing;
mod drag;
mod form;
mod head;
mod inline;
mod keyboard;
mod local_copy;
mod meaning;
mod names;
mod one_input;
mod paste_rules;
mod policy_map;
mod problems;
mod row;
mod rule_link;
mod save_conflict;
mod saving;
mod shadowed_by;
mod simulate;
mod source_tab;
mod state;
mod submit;
mod sweep;
mod table;
mod test_case_list;
mod test_cases;
mod why_not;
mod worker_client;
mod worker_sync;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use lifecycle::problem::Code;

use self::state::{EditorState, MainTab, SideTab, TabRow};
use crate::{
    api::bundles::{self, Workbench},
    components::{Button, ButtonKind, ErrorPanel, Kbd, PageHead, Skeleton, Tab, TabPanel, Tabs},
    error::AppError,
};

/// The page.
#[component]
pub fn Editor() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("bundle_id").and_then(|id| id.parse::<i64>().ok()));
    let reloads = RwSignal::new(0_u32);
    let workbench = Resource::new(
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
                match workbench.await {
                    Ok(workbench) => view! { <Opened workbench=workbench reloads=reloads /> }.into_any(),
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
fn Opened(workbench: Workbench, reloads: RwSignal<u32>) -> impl IntoView {
    let editor = EditorState::open(&workbench);
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
            <head::Head editor=editor workbench=workbench submitting=submitting reloads=reloads />
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
                prop:value=move || editor.selection.filter().get()
                on:input=move |event| editor.selection.set_filter(event_target_value(&event))
            />
            <Kbd key="/" />
        </span>
    }
}
