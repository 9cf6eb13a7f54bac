//! The dock: what the draft makes of many cases, of one input, of a moved threshold, and of saved tests.

use leptos::{prelude::*, task::spawn_local};
use policy::replay::Dataset;
use worker::Request;

use super::{
    analysis, corpus,
    one_input::OneInput,
    simulate::Simulated,
    state::EditorState,
    sweep::SweepTab,
    test_cases::{TestCases, Tests},
    worker_client,
};
use crate::{
    api::bundles,
    components::{Button, EmptyState, Tab, TabPanel, Tabs, format},
};

/// Recorded decisions fetched at first: the newest.
const RECORDED: usize = 100_000;

/// Recorded decisions fetched when all are wanted.
const RECORDED_ALL: usize = policy::replay::corpus::MAX_ROWS;

/// Synthetic cases that are generated.
const SYNTHETIC: usize = 2_000;

/// The seed of the synthetic cases: the same draft meets the same cases.
const SEED: u64 = 1;

/// What the person chose to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Choice {
    dataset: Dataset,
    /// Recorded decisions to fetch, at most.
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
pub fn Dock(desk: EditorState) -> impl IntoView {
    let chosen = RwSignal::new(Choice { dataset: Dataset::Recorded, most: RECORDED });
    let tests = Tests::new(desk);
    analysis::follow(desk);

    let failed = Memo::new(move |_| {
        let name = chosen.get().dataset.name();
        desk.loaded.with(|loaded| loaded.get(name).and_then(|loaded| loaded.as_ref().err().cloned()))
    });
    // What was sent to the session that is open now, and how many recorded decisions were fetched.
    let sent = StoredValue::new((0, Vec::<Choice>::new()));
    let load = move |choice: Choice| {
        let dataset = choice.dataset;
        worker_client::ask(Request::Choose(dataset), None);
        let known = sent.with_value(|(_, sent)| sent.contains(&choice));
        if known {
            return;
        }
        sent.update_value(|(_, sent)| {
            sent.retain(|other| other.dataset != dataset);
            sent.push(choice);
        });
        desk.loaded.update(|loaded| drop(loaded.remove(dataset.name())));
        desk.replayed.set(None);
        if dataset == Dataset::Synthetic {
            worker_client::ask(Request::Synthetic(SYNTHETIC, SEED), None);
            return;
        }
        spawn_local(async move {
            let why = match dataset {
                Dataset::Recorded => match corpus::fetch(choice.most).await {
                    Ok(bytes) => return worker_client::ask(Request::Corpus(dataset), Some(bytes)),
                    Err(why) => why,
                },
                _ => match bundles::fixtures().await {
                    Ok(cases) => return worker_client::ask(Request::Cases(dataset, cases), None),
                    Err(error) => error.detail().to_owned(),
                },
            };
            let _ = desk.loaded.try_update(|loaded| loaded.insert(dataset.name(), Err(why)));
        });
    };
    Effect::new(move |_| {
        let session = desk.sessions.get();
        if session == 0 {
            return;
        }
        if sent.with_value(|(known, _)| *known != session) {
            sent.set_value((session, Vec::new()));
        }
        load(chosen.get());
    });
    let again = move || {
        sent.update_value(|(_, sent)| sent.clear());
        load(chosen.get_untracked());
    };
    // Before the first traffic there is nothing to replay, but there are the built-in cases.
    Effect::new(move |_| {
        let none = desk.loaded.with(|loaded| matches!(loaded.get(Dataset::Recorded.name()), Some(Ok((0, _)))));
        if none && chosen.with_untracked(|choice| choice.dataset == Dataset::Recorded) {
            chosen.set(Choice { dataset: Dataset::Fixtures, most: 0 });
        }
    });
    let cases = Memo::new(move |_| {
        let name = chosen.get().dataset.name();
        desk.loaded.with(|loaded| loaded.get(name).and_then(|loaded| loaded.as_ref().ok()).copied())
    });

    let tabs = vec![
        Tab::new("simulate", "Simulate"),
        Tab::new("one", "One input"),
        Tab::new("sweep", "Threshold sweep"),
        Tab::new("tests", "Test cases").counting(Signal::derive(move || tests.count(desk))),
    ];
    view! {
        <section class="panel panel-flush dock" aria-label="Dock">
            <Tabs group="dock" label="Simulation" tabs=tabs selected=desk.dock on_select=move |id| desk.dock.set(id)>
                <Status desk=desk />
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
            <TabPanel group="dock" id="simulate" selected=desk.dock>
                {move || match failed.get() {
                    Some(why) => {
                        view! {
                            <EmptyState title="The cases could not be fetched">
                                <p>{why}</p>
                                <Button on_click=move |_| again()>"Try again"</Button>
                            </EmptyState>
                        }
                            .into_any()
                    }
                    None => view! { <Simulated desk=desk cases=cases.into() /> }.into_any(),
                }}
            </TabPanel>
            <TabPanel group="dock" id="one" selected=desk.dock>
                <OneInput desk=desk cases=cases.into() tests=tests />
            </TabPanel>
            <TabPanel group="dock" id="sweep" selected=desk.dock>
                <SweepTab desk=desk />
            </TabPanel>
            <TabPanel group="dock" id="tests" selected=desk.dock>
                <TestCases desk=desk tests=tests />
            </TabPanel>
        </section>
    }
}

/// How far the replay is, or how long it took.
#[component]
fn Status(desk: EditorState) -> impl IntoView {
    let done = move || {
        let replayed = desk.replayed.get()?;
        let all = format::plural(replayed.total as u64, "case", "cases");
        let cases = if replayed.done < replayed.total {
            format!("stopped at {} of {all}", format::count(replayed.done as u64))
        } else if replayed.regions_counted() {
            all
        } else {
            format!(
                "{all}, stopped at the regions of {} of {}",
                format::count(replayed.explained as u64),
                format::plural(replayed.comparison.total_changes as u64, "flip", "flips")
            )
        };
        Some(format!("{cases} · {:.0} ms in your browser", replayed.took_ms))
    };
    move || {
        match desk.progress.get() {
        Some((done, total)) => {
            view! {
                <progress class="dock-progress" aria-label="Replaying" max=total.to_string() value=done.to_string()></progress>
                <span class="dock-status muted">
                    {format!("{} of {}", format::count(done as u64), format::count(total as u64))}
                </span>
                <Button small=true on_click=move |_| worker_client::ask(Request::Stop, None)>"Cancel"</Button>
            }
            .into_any()
        }
        None => {
            let stopped = desk.replayed.with(|replayed| replayed.as_ref().is_some_and(|replayed| replayed.stopped()));
            view! {
                <span class="dock-status muted">{done()}</span>
                {stopped
                    .then(|| {
                        view! {
                            <Button small=true on_click=move |_| worker_client::ask(Request::Restart, None)>"Replay all"</Button>
                        }
                    })}
            }
            .into_any()
        }
    }
    }
}
