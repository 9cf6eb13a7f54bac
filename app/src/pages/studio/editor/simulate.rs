//! The dock: what the draft makes of many cases, beside what stable makes of them.

use std::{collections::HashMap, sync::Arc};

use leptos::{prelude::*, task::spawn_local};
use lifecycle::replay::{Case, Change, Dataset, Summary, synthetic};

use super::{
    analysis::{self, Replayed},
    desk::Desk,
    one_input::OneInput,
};
use crate::{
    api::bundles,
    components::{BarStack, Button, EffectBadge, EmptyState, Part, Skeleton, Tab, TabPanel, Tabs, Tone, format},
    editor::rule,
};

/// Synthetic cases generated in the browser.
const SYNTHETIC: usize = 2_000;

/// The seed of the synthetic cases: the same draft meets the same cases.
const SEED: u64 = 1;

/// Flips listed.
const SHOWN: usize = 100;

/// The dock with its tabs.
#[component]
pub fn Dock(desk: Desk) -> impl IntoView {
    let chosen = RwSignal::new(Dataset::Recorded);
    let fetched = RwSignal::new(HashMap::<&'static str, Arc<Vec<Case>>>::new());
    let failed = RwSignal::new(None::<String>);
    let cases = Signal::derive(move || fetched.with(|fetched| fetched.get(name(chosen.get())).cloned()));
    analysis::follow(desk, cases);

    let load = move |dataset: Dataset| {
        failed.set(None);
        if fetched.with_untracked(|fetched| fetched.contains_key(name(dataset))) {
            return;
        }
        if dataset == Dataset::Synthetic {
            // From the rules of both: their thresholds are where answers may differ.
            let mut both = desk.content.get_untracked().to_source().understand().bundle;
            if let Some(stable) = desk.stable.get_value() {
                both.rules.extend(stable.bundle.rules.iter().cloned());
            }
            let cases = Arc::new(synthetic::cases(&both, SYNTHETIC, SEED));
            fetched.update(|fetched| drop(fetched.insert(name(dataset), cases)));
            return;
        }
        spawn_local(async move {
            match bundles::cases(dataset).await {
                Ok(cases) => {
                    // Before the first traffic there is nothing to replay, but there are the built-in cases.
                    if cases.is_empty() && dataset == Dataset::Recorded {
                        chosen.try_set(Dataset::Fixtures);
                    }
                    fetched.try_update(|fetched| fetched.insert(name(dataset), Arc::new(cases)));
                }
                Err(error) => drop(failed.try_set(Some(error.detail().to_owned()))),
            }
        });
    };
    Effect::new(move |_| load(chosen.get()));

    let tab = RwSignal::new("simulate".to_owned());
    let status = move || {
        let count = cases.with(|cases| cases.as_ref().map(|cases| cases.len()));
        let took = desk.replayed.with(|replayed| replayed.as_ref().map(|replayed| replayed.took_ms));
        count.zip(took).map(|(count, took)| {
            format!("{} · {took:.0} ms in your browser", format::plural(count as u64, "case", "cases"))
        })
    };
    view! {
        <section class="panel panel-flush dock" aria-label="Dock">
            <Tabs
                group="dock"
                label="Simulation"
                tabs=vec![Tab::new("simulate", "Simulate"), Tab::new("one", "One input")]
                selected=tab
                on_select=move |id| tab.set(id)
            >
                <span class="dock-status muted">{status}</span>
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
            <TabPanel group="dock" id="simulate" selected=tab>
                {move || {
                    if let Some(why) = failed.get() {
                        return view! {
                            <EmptyState title="The cases could not be fetched">
                                <p>{why}</p>
                                <Button on:click=move |_| load(chosen.get_untracked())>"Try again"</Button>
                            </EmptyState>
                        }
                            .into_any();
                    }
                    if cases.with(|cases| cases.as_ref().is_some_and(|cases| cases.is_empty())) {
                        return view! {
                            <EmptyState title="0 cases">
                                <p>"Nothing is recorded yet. Fixtures and synthetic cases work without traffic."</p>
                            </EmptyState>
                        }
                            .into_any();
                    }
                    match desk.replayed.get() {
                        Some(replayed) if cases.with(Option::is_some) => {
                            view! { <Result desk=desk replayed=replayed /> }.into_any()
                        }
                        _ => view! { <div class="dock-wait"><Skeleton lines=3 /></div> }.into_any(),
                    }
                }}
            </TabPanel>
            <TabPanel group="dock" id="one" selected=tab>
                <OneInput desk=desk cases=cases />
            </TabPanel>
        </section>
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

/// Bars, numbers and flips.
#[component]
fn Result(desk: Desk, replayed: Arc<Replayed>) -> impl IntoView {
    let comparison = &replayed.comparison;
    let (before, after) = (&comparison.summary_a, &comparison.summary_b);
    let stable = desk.stable.with_value(|stable| stable.as_ref().map(|stable| stable.version.clone()));
    let cost = comparison.deltas.estimated_cost;
    let breaches = after
        .breaches
        .iter()
        .map(|breach| {
            let unit = if breach.kind == "cost" { "USD" } else { "units" };
            format!("{} {:.0} {unit} is over the limit of {:.0}", breach.kind, breach.value, breach.limit)
        })
        .collect::<Vec<_>>();
    view! {
        <div class="dock-result">
            <div class="dock-bars">
                {stable
                    .clone()
                    .map(|version| {
                        view! {
                            <p class="dock-name">{format!("Stable {version}")}</p>
                            <BarStack parts=parts(before) label=format!("Stable {version}") />
                        }
                    })}
                <p class="dock-name">"This draft"</p>
                <BarStack parts=parts(after) label="This draft" legend=true />
                <p class="muted">
                    {replayed
                        .has_stable
                        .then(|| {
                            format!(
                                "{} · approvals {} · cost {} · ",
                                format::plural(comparison.total_changes as u64, "flip", "flips"),
                                signed(after.approval_count, before.approval_count),
                                signed_usd(cost),
                            )
                        })}
                    {format!(
                        "{} no match · {} in error",
                        format::percent(after.no_match_rate),
                        format::count(after.error_count as u64),
                    )}
                </p>
                {(!breaches.is_empty()).then(|| view! { <p class="dock-breach tone-warn">{format!("▲ {}", breaches.join("; "))}</p> })}
                {(replayed.skipped > 0)
                    .then(|| {
                        let rules = format::plural(replayed.skipped as u64, "rule is", "rules are");
                        view! { <p class="dock-breach tone-warn">{format!("▲ {rules} left out: they cannot be understood yet")}</p> }
                    })}
            </div>
            <Flips desk=desk changes=comparison.changes.iter().take(SHOWN).cloned().collect() total=comparison.total_changes compared=replayed.has_stable />
        </div>
    }
}

fn parts(summary: &Summary) -> Vec<Part> {
    #[expect(clippy::cast_precision_loss, reason = "counts of cases stay far below 2^52")]
    let part = |name: &str, count: usize, tone| Part { name: name.to_owned(), amount: count as f64, tone };
    vec![
        part("allow", summary.allow_count, Tone::Good),
        part("needs approval", summary.approval_count, Tone::Warn),
        part("deny", summary.deny_count, Tone::Bad),
    ]
}

fn signed(after: usize, before: usize) -> String {
    if after >= before {
        format!("+{}", format::count((after - before) as u64))
    } else {
        format!("−{}", format::count((before - after) as u64))
    }
}

fn signed_usd(amount: f64) -> String {
    if amount > 0.0 { format!("+{}", format::usd(amount)) } else { format::usd(amount) }
}

/// The cases that come out differently.
#[component]
fn Flips(desk: Desk, changes: Vec<Change>, total: usize, compared: bool) -> impl IntoView {
    if changes.is_empty() {
        let words = if compared {
            "No case comes out differently than under stable."
        } else {
            "There is no stable bundle to compare with."
        };
        return view! { <p class="dock-none muted">{words}</p> }.into_any();
    }
    let shown = changes.len();
    let rows = changes
        .into_iter()
        .map(|change| {
            let facts = change
                .context
                .iter()
                .take(3)
                .map(|(field, value)| format!("{field} {}", crate::components::value_words(value)))
                .collect::<Vec<_>>()
                .join(", ");
            view! {
                <tr>
                    <td class="flip-case">
                        <span class="mono">{case_name(&change.case_id)}</span>
                        <span class="muted">{format!(" {} · {}", change.agent, change.action)}</span>
                        <span class="flip-facts mono">{facts}</span>
                    </td>
                    <td><EffectBadge effect=change.before no_match=change.before_rule.is_none() /></td>
                    <td><EffectBadge effect=change.after no_match=change.after_rule.is_none() /></td>
                    <td class="flip-why">
                        {rule_words(change.before_rule.as_deref())} " → " {decider(desk, change.after_rule)}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="flips" role="region" tabindex="0" aria-label="Flipped decisions">
            <table class="table" aria-label="Flipped decisions">
                <thead>
                    <tr>
                        <th scope="col">"Flipped decision"</th>
                        <th scope="col">"Before"</th>
                        <th scope="col">"After"</th>
                        <th scope="col">"Decided by"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {(total > shown).then(|| view! { <p class="muted dock-none">{format!("and {} more", format::count((total - shown) as u64))}</p> })}
        </div>
    }
    .into_any()
}

/// A case's id; long ones, as of recorded decisions, by their ends.
fn case_name(id: &str) -> String {
    if id.len() <= 24 { id.to_owned() } else { crate::components::short_digest(id) }
}

fn rule_words(rule: Option<&str>) -> String {
    rule.unwrap_or("default").to_owned()
}

/// The draft's rule that decides; opens it.
fn decider(desk: Desk, id: Option<String>) -> AnyView {
    let Some(id) = id else { return view! { <span class="muted">"default"</span> }.into_any() };
    let wanted = id.clone();
    let open = move |_| {
        let key = desk.content.with_untracked(|content| {
            content.rules().iter().find(|entry| rule::id(&entry.rule) == wanted).map(|entry| entry.key)
        });
        if let Some(key) = key {
            desk.select(key);
        }
    };
    view! {
        <button type="button" class="finding-rule" on:click=open>
            {id}
        </button>
    }
    .into_any()
}
