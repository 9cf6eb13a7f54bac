//! The *Simulate* tab: the outcomes of many cases under the draft, next to those under stable.

use std::{collections::HashSet, sync::Arc};

use leptos::prelude::*;
use policy::replay::{Change, Summary};

use super::{
    rule_link::{RuleLink, decider},
    state::{EditorState, replay_result::ReplayResult},
};
use crate::{
    components::{BarStack, EffectBadge, EmptyState, Part, Skeleton, Tone, facts::gist, format},
    model::rule,
};

/// Maximum number of flips listed.
const SHOWN: usize = 100;

/// Maximum number of rules of each kind that are named; the others are counted.
const NAMED: usize = 100;

/// The *Simulate* tab.
#[component]
pub fn Simulated(editor: EditorState, cases: Memo<Option<usize>>) -> impl IntoView {
    move || {
        if cases.get() == Some(0) {
            return view! {
                <EmptyState title="0 cases">
                    <p>"Nothing is recorded yet. Fixtures and synthetic cases work without traffic."</p>
                </EmptyState>
            }
            .into_any();
        }
        match editor.results.replay().get() {
            Some(replayed) if cases.get().is_some() => view! { <Result editor=editor replayed=replayed /> }.into_any(),
            _ => view! { <div class="dock-wait"><Skeleton lines=3 /></div> }.into_any(),
        }
    }
}

/// Bars, numbers and flips.
#[component]
fn Result(editor: EditorState, replayed: Arc<ReplayResult>) -> impl IntoView {
    let comparison = &replayed.comparison;
    let (before, after) = (&comparison.summary_a, &comparison.summary_b);
    let stable = editor.results.stable_version();
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
                {forecast(&replayed, before, after).map(|words| view! { <p class="dock-forecast">{words}</p> })}
                <p class="muted">
                    {replayed
                        .has_stable
                        .then(|| {
                            format!(
                                "{} · approvals {} · cost {} · ",
                                format::plural(comparison.total_changes as u64, "decision changes", "decisions change"),
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
                <RuleCoverage editor=editor replayed=Arc::clone(&replayed) />
                {(!breaches.is_empty()).then(|| view! { <p class="dock-breach tone-warn">{format!("▲ {}", breaches.join("; "))}</p> })}
                {move || {
                    let skipped = editor.results.skipped_rules().get();
                    (skipped > 0)
                        .then(|| {
                            let rules = format::plural(skipped as u64, "rule is", "rules are");
                            view! { <p class="dock-breach tone-warn">{format!("▲ {rules} left out: they cannot be understood yet")}</p> }
                        })
                }}
            </div>
            <Flips editor=editor changes=comparison.changes.iter().take(SHOWN).cloned().collect() total=comparison.total_changes compared=replayed.has_stable />
        </div>
    }
}

/// How many rules decide some case, how many could but do not, and how many can never decide a case.
#[component]
fn RuleCoverage(editor: EditorState, replayed: Arc<ReplayResult>) -> impl IntoView {
    move || {
        let dead: HashSet<String> =
            editor.results.unreachable().with(|covers| covers.iter().map(|dead| dead.rule.clone()).collect());
        let (mut hit, mut never, mut gone) = (0_usize, Vec::new(), Vec::new());
        editor.document.content().with_untracked(|content| {
            for entry in content.rules().iter().filter(|entry| rule::enabled(&entry.rule)) {
                let id = rule::id(&entry.rule);
                if replayed.hits.contains_key(&entry.key) {
                    hit += 1;
                } else if dead.contains(id) {
                    gone.push(id.to_owned());
                } else {
                    never.push(id.to_owned());
                }
            }
        });
        let list = |words: &'static str, ids: Vec<String>| {
            let more = ids.len().saturating_sub(NAMED);
            (!ids.is_empty()).then(|| {
                let links =
                    ids.into_iter().take(NAMED).map(|id| view! { <RuleLink editor=editor id=id /> " " }).collect_view();
                view! { <p>{words} " " {links} {(more > 0).then(|| format!("and {more} more"))}</p> }
            })
        };
        let summary = format!(
            "Rules: {} hit · {} never hit · {} dead",
            format::count(hit as u64),
            format::count(never.len() as u64),
            format::count(gone.len() as u64),
        );
        view! {
            <details class="tests-coverage muted">
                <summary>{summary}</summary>
                {list("Reachable, but no case hits:", never)}
                {list("Dead, no input reaches:", gone)}
            </details>
        }
    }
}

fn parts(summary: &Summary) -> Vec<Part> {
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

/// The cases whose outcome differs.
#[component]
fn Flips(editor: EditorState, changes: Vec<Change>, total: usize, compared: bool) -> impl IntoView {
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
            let facts = gist(&change.context);
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
                        {change.before_rule.unwrap_or_else(|| "default".to_owned())} " → "
                        {decider(editor, change.after_rule)}
                        {change.region.map(|region| view! { <RegionOf editor=editor region=region /> })}
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

/// A case's id. Long ids, such as those of recorded decisions, are shortened to both ends.
fn case_name(id: &str) -> String {
    if id.len() <= 24 { id.to_owned() } else { crate::components::short_digest(id) }
}

/// How many flips share a flip's region; a click opens the region in the *Changes* tab.
#[component]
fn RegionOf(editor: EditorState, region: usize) -> impl IntoView {
    let (alike, whole) = editor.results.replay().with_untracked(|replayed| {
        let replayed = replayed.as_ref();
        let alike = replayed.and_then(|replayed| replayed.regions.get(region).copied()).unwrap_or_default();
        (alike, replayed.is_some_and(|replayed| !replayed.stopped()))
    });
    let least = if whole { "" } else { "at least " };
    view! {
        <button
            type="button"
            class="link-button flip-region"
            title="Shows the region under Changes"
            on:click=move |_| editor.panes.show_region(region)
        >
            {format!("{least}{} alike in its region", format::count(alike as u64))}
        </button>
    }
}

/// Approvals per day under the draft, if the cases are recorded traffic.
fn forecast(replayed: &ReplayResult, before: &Summary, after: &Summary) -> Option<String> {
    let (was, will) = (replayed.per_day(before.approval_count)?, replayed.per_day(after.approval_count)?);
    let shown = |number: f64| if number < 10.0 { format!("{number:.1}") } else { format!("{number:.0}") };
    Some(if replayed.has_stable {
        format!("Approvals: {} → {} a day", shown(was), shown(will))
    } else {
        format!("Approvals: {} a day", shown(will))
    })
}
