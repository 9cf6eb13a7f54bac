//! The dock: what the draft makes of many cases, of one input, of a moved threshold, and of saved tests.

use std::collections::HashMap;

use leptos::{prelude::*, task::spawn_local};
use lifecycle::replay::{Case, Columnar, Dataset, synthetic};

use super::{
    analysis, corpus,
    desk::Desk,
    one_input::OneInput,
    replaying::Cases,
    simulate::Simulated,
    sweep::SweepTab,
    test_cases::{TestCases, Tests},
};
use crate::{
    api::bundles,
    components::{Button, EmptyState, Tab, TabPanel, Tabs, format},
};

/// Recorded decisions fetched, at most: the newest.
const RECORDED: u32 = 100_000;

/// Synthetic cases generated in the browser.
const SYNTHETIC: usize = 2_000;

/// The seed of the synthetic cases: the same draft meets the same cases.
const SEED: u64 = 1;

/// The dock with its tabs.
#[component]
pub fn Dock(desk: Desk) -> impl IntoView {
    let chosen = RwSignal::new(Dataset::Recorded);
    let fetched = RwSignal::new(HashMap::<&'static str, Cases>::new());
    let failed = RwSignal::new(None::<String>);
    let cases = Signal::derive(move || fetched.with(|fetched| fetched.get(name(chosen.get())).cloned()));
    let tests = Tests::new(desk);
    analysis::follow(desk, cases);

    let load = move |dataset: Dataset| {
        failed.set(None);
        if fetched.with_untracked(|fetched| fetched.contains_key(name(dataset))) {
            return;
        }
        let keep = move |corpus: Result<Columnar, String>| match corpus {
            Ok(corpus) => {
                // Before the first traffic there is nothing to replay, but there are the built-in cases.
                if corpus.is_empty() && dataset == Dataset::Recorded {
                    chosen.try_set(Dataset::Fixtures);
                }
                let _ = fetched.try_update(|fetched| fetched.insert(name(dataset), Cases::new(corpus)));
            }
            Err(why) => drop(failed.try_set(Some(why))),
        };
        let columns = move |cases: &[Case]| Columnar::of_cases(dataset, cases).map_err(|error| error.to_string());
        if dataset == Dataset::Synthetic {
            // From the rules of both: their thresholds are where answers may differ.
            let mut both = desk.content.get_untracked().to_source().understand().bundle;
            if let Some(stable) = desk.stable.get_value() {
                both.rules.extend(stable.bundle.rules.iter().cloned());
            }
            keep(columns(&synthetic::cases(&both, SYNTHETIC, SEED)));
            return;
        }
        spawn_local(async move {
            keep(match dataset {
                Dataset::Recorded => corpus::fetch(RECORDED).await,
                _ => match bundles::fixtures().await {
                    Ok(cases) => columns(&cases),
                    Err(error) => Err(error.detail().to_owned()),
                },
            });
        });
    };
    Effect::new(move |_| load(chosen.get()));

    let tabs = vec![
        Tab::new("simulate", "Simulate"),
        Tab::new("one", "One input"),
        Tab::new("sweep", "Threshold sweep"),
        Tab::new("tests", "Test cases").counting(Signal::derive(move || tests.count())),
    ];
    view! {
        <section class="panel panel-flush dock" aria-label="Dock">
            <Tabs group="dock" label="Simulation" tabs=tabs selected=desk.dock on_select=move |id| desk.dock.set(id)>
                <Status desk=desk />
                <select
                    class="input input-small"
                    aria-label="Cases"
                    prop:value=move || name(chosen.get())
                    on:change=move |event| {
                        chosen.set(match event_target_value(&event).as_str() {
                            "fixtures" => Dataset::Fixtures,
                            "synthetic" => Dataset::Synthetic,
                            _ => Dataset::Recorded,
                        });
                    }
                >
                    <option value="recorded">"Recorded"</option>
                    <option value="fixtures">"Fixtures"</option>
                    <option value="synthetic">"Synthetic"</option>
                </select>
            </Tabs>
            <TabPanel group="dock" id="simulate" selected=desk.dock>
                {move || match failed.get() {
                    Some(why) => {
                        view! {
                            <EmptyState title="The cases could not be fetched">
                                <p>{why}</p>
                                <Button on:click=move |_| load(chosen.get_untracked())>"Try again"</Button>
                            </EmptyState>
                        }
                            .into_any()
                    }
                    None => view! { <Simulated desk=desk cases=cases /> }.into_any(),
                }}
            </TabPanel>
            <TabPanel group="dock" id="one" selected=desk.dock>
                <OneInput desk=desk cases=cases tests=tests />
            </TabPanel>
            <TabPanel group="dock" id="sweep" selected=desk.dock>
                <SweepTab desk=desk cases=cases />
            </TabPanel>
            <TabPanel group="dock" id="tests" selected=desk.dock>
                <TestCases desk=desk tests=tests />
            </TabPanel>
        </section>
    }
}

/// How far the replay is, or how long it took.
#[component]
fn Status(desk: Desk) -> impl IntoView {
    let done = move || {
        let replayed = desk.replayed.get()?;
        let cases = if replayed.done < replayed.total {
            format!(
                "stopped at {} of {}",
                format::count(replayed.done as u64),
                format::plural(replayed.total as u64, "case", "cases")
            )
        } else {
            format::plural(replayed.total as u64, "case", "cases")
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
                <Button small=true on:click=move |_| desk.stopped.set_value(true)>"Cancel"</Button>
            }
            .into_any()
        }
        None => {
            let stopped = desk.replayed.with(|replayed| replayed.as_ref().is_some_and(|r| r.done < r.total));
            view! {
                <span class="dock-status muted">{done()}</span>
                {stopped
                    .then(|| {
                        view! {
                            <Button small=true on:click=move |_| desk.again.update(|again| *again += 1)>"Replay all"</Button>
                        }
                    })}
            }
            .into_any()
        }
    }
    }
}

const fn name(dataset: Dataset) -> &'static str {
    match dataset {
        Dataset::Fixtures => "fixtures",
        Dataset::Synthetic => "synthetic",
        Dataset::Recorded => "recorded",
        Dataset::Custom => "custom",
    }
}
