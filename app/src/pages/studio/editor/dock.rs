//! The dock: the draft's answers to many cases, to one input, over a threshold, and to saved test cases.

use leptos::{prelude::*, task::spawn_local};
use policy::replay::Dataset;
use worker::Request;

use super::{
    corpus, draft_parsing,
    one_input::OneInput,
    simulate::Simulated,
    state::{DockTab, EditorState, TabRow},
    sweep::SweepTab,
    test_case_list::TestCaseList,
    test_cases::TestCases,
    worker_client, worker_sync,
};
use crate::{
    api::bundles,
    components::{Button, EmptyState, Tab, TabPanel, Tabs, format},
};

/// Number of recorded decisions fetched at first: the newest.
const RECORDED: usize = 100_000;

/// Number of recorded decisions fetched if all are requested.
const RECORDED_ALL: usize = policy::replay::corpus::MAX_ROWS;

/// Number of synthetic cases generated.
const SYNTHETIC: usize = 2_000;

/// The seed of the synthetic cases, so that a draft always gets the same cases.
const SEED: u64 = 1;

/// The dataset that the person chose to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Choice {
    dataset: Dataset,
    /// Maximum number of recorded decisions to fetch.
    most: usize,
}

impl Choice {
    const ALL: [(&'static str, &'static str, Self); 4] = [
        ("recorded", "Recorded: newest 100,000", Self { dataset: Dataset::Recorded, most: RECORDED }),
        ("all", "Recorded: up to 1,000,000", Self { dataset: Dataset::Recorded, most: RECORDED_ALL }),
        ("fixtures", "Fixtures", Self { dataset: Dataset::Fixtures, most: 0 }),
        ("synthetic", "Synthetic", Self { dataset: Dataset::Synthetic, most: 0 }),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, _, choice)| *choice == self).map_or("recorded", |(name, ..)| name)
    }
}

/// The dock with its tabs.
#[component]
pub fn Dock(editor: EditorState) -> impl IntoView {
    let chosen = RwSignal::new(Choice { dataset: Dataset::Recorded, most: RECORDED });
    let tests = TestCaseList::new(editor);
    worker_sync::follow_document(editor);
    draft_parsing::parse_while_needed(editor);

    let loaded = Memo::new(move |_| editor.results.dataset(chosen.get().dataset));
    let failed = Memo::new(move |_| loaded.get().and_then(Result::err));
    let cases = Memo::new(move |_| loaded.get().and_then(Result::ok));
    // The session that datasets were sent to, and the choices that were sent.
    let sent = StoredValue::new((0, Vec::<Choice>::new()));
    let load = move |choice: Choice| {
        let dataset = choice.dataset;
        worker_client::request(Request::Choose(dataset), None);
        let known = sent.with_value(|(_, sent)| sent.contains(&choice));
        if known {
            return;
        }
        sent.update_value(|(_, sent)| {
            sent.retain(|other| other.dataset != dataset);
            sent.push(choice);
        });
        editor.results.reload_dataset(dataset);
        if dataset == Dataset::Synthetic {
            worker_client::request(Request::Synthetic(SYNTHETIC, SEED), None);
            return;
        }
        spawn_local(async move {
            let why = match dataset {
                Dataset::Recorded => match corpus::fetch(choice.most).await {
                    Ok(bytes) => return worker_client::request(Request::Corpus(dataset), Some(bytes)),
                    Err(why) => why,
                },
                _ => match bundles::fixtures().await {
                    Ok(cases) => return worker_client::request(Request::Cases(dataset, cases), None),
                    Err(error) => error.detail().to_owned(),
                },
            };
            editor.results.record_dataset(dataset, Err(why));
        });
    };
    Effect::new(move |_| {
        let session = editor.results.sessions().get();
        if session == 0 {
            return;
        }
        if sent.with_value(|(known, _)| *known != session) {
            sent.set_value((session, Vec::new()));
        }
        load(chosen.get());
    });
    let retry = move || {
        sent.update_value(|(_, sent)| sent.clear());
        load(chosen.get_untracked());
    };
    // Before the first traffic there are no recorded decisions; the built-in cases still work.
    Effect::new(move |_| {
        let none_recorded = editor.results.dataset(Dataset::Recorded) == Some(Ok(0));
        if none_recorded && chosen.with_untracked(|choice| choice.dataset == Dataset::Recorded) {
            chosen.set(Choice { dataset: Dataset::Fixtures, most: 0 });
        }
    });

    let test_count =
        Signal::derive(move || editor.results.tests().with(|tests| tests.as_ref().map(|tests| tests.results.len())));
    let tabs = DockTab::ALL
        .iter()
        .map(|tab| {
            let button = Tab::new(tab.id(), tab.label());
            if *tab == DockTab::Tests { button.counting(test_count) } else { button }
        })
        .collect::<Vec<_>>();
    let selected = Memo::new(move |_| editor.panes.dock().get().id().to_owned());
    let select = move |id: String| {
        if let Some(tab) = DockTab::from_id(&id) {
            editor.panes.open_dock(tab);
        }
    };
    view! {
        <section class="panel panel-flush dock" aria-label="Dock">
            <Tabs group="dock" label="Simulation" tabs=tabs selected=selected on_select=select>
                <Status editor=editor />
                <select
                    class="input input-small"
                    aria-label="Cases"
                    prop:value=move || chosen.get().name()
                    on:change=move |event| {
                        let wanted = event_target_value(&event);
                        if let Some((.., choice)) = Choice::ALL.iter().find(|(name, ..)| *name == wanted) {
                            chosen.set(*choice);
                        }
                    }
                >
                    {Choice::ALL.map(|(name, words, _)| view! { <option value=name>{words}</option> }).into_iter().collect_view()}
                </select>
            </Tabs>
            <TabPanel group="dock" id=DockTab::Simulate.id() selected=selected>
                {move || match failed.get() {
                    Some(why) => {
                        view! {
                            <EmptyState title="The cases could not be fetched">
                                <p>{why}</p>
                                <Button on_click=move |_| retry()>"Try again"</Button>
                            </EmptyState>
                        }
                            .into_any()
                    }
                    None => view! { <Simulated editor=editor cases=cases /> }.into_any(),
                }}
            </TabPanel>
            <TabPanel group="dock" id=DockTab::OneInput.id() selected=selected>
                <OneInput editor=editor cases=cases tests=tests />
            </TabPanel>
            <TabPanel group="dock" id=DockTab::Sweep.id() selected=selected>
                <SweepTab editor=editor />
            </TabPanel>
            <TabPanel group="dock" id=DockTab::Tests.id() selected=selected>
                <TestCases editor=editor tests=tests />
            </TabPanel>
        </section>
    }
}

/// The progress or the duration of the replay, with the button that stops or resumes it.
#[component]
fn Status(editor: EditorState) -> impl IntoView {
    let done = move || {
        let replayed = editor.results.replay().get()?;
        let all = format::plural(replayed.total as u64, "case", "cases");
        let cases = if replayed.done < replayed.total {
            format!("stopped at {} of {all}", format::count(replayed.done as u64))
        } else if replayed.regions_counted() {
            all
        } else {
            format!(
                "{all}, stopped at the regions of {} of {}",
                format::count(replayed.explained as u64),
                format::plural(replayed.comparison.total_changes as u64, "decision changes", "decisions change")
            )
        };
        Some(format!("{cases} · {:.0} ms in your browser", replayed.took_ms))
    };
    move || {
        match editor.results.replay_progress().get() {
        Some((done, total)) => {
            view! {
                <progress class="dock-progress" aria-label="Replaying" max=total.to_string() value=done.to_string()></progress>
                <span class="dock-status muted">
                    {format!("{} of {}", format::count(done as u64), format::count(total as u64))}
                </span>
                <Button small=true on_click=move |_| worker_client::request(Request::Stop, None)>"Cancel"</Button>
            }
            .into_any()
        }
        None => {
            let stopped = editor.results.replay().with(|replayed| replayed.as_ref().is_some_and(|replayed| replayed.stopped()));
            view! {
                <span class="dock-status muted">{done()}</span>
                {stopped
                    .then(|| {
                        view! {
                            <Button small=true on_click=move |_| worker_client::request(Request::Restart, None)>"Replay all"</Button>
                        }
                    })}
            }
            .into_any()
        }
    }
    }
}
