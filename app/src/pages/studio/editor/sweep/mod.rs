//! The *Threshold sweep* tab: the outcomes as a curve over one number of one rule. Dragging moves the number; letting
//! go writes it into the document.

mod picture;
mod plot;

use std::sync::Arc;

use leptos::prelude::*;
use policy::replay::Transitions;
use worker::Request;

use self::{
    picture::Picture,
    plot::{LINES, Plot, thresholds},
};
use super::{
    state::{DockTab, EditorState},
    worker_client,
};
use crate::{
    components::{EmptyState, Skeleton, format},
    model::RuleKey,
};

/// The *Threshold sweep* tab.
#[component]
pub fn SweepTab(editor: EditorState) -> impl IntoView {
    let chosen = RwSignal::new(None::<(RuleKey, String)>);
    let open = Memo::new(move |_| editor.panes.dock().get() == DockTab::Sweep);
    let offered = Memo::new(move |_| {
        let selected = editor.selection.selected().get();
        editor
            .results
            .draft()
            .get()
            .filter(|_| open.get())
            .map(|draft| thresholds(&draft, selected))
            .unwrap_or_default()
    });
    let threshold = Memo::new(move |_| {
        let chosen = chosen.get();
        offered.with(|offered| {
            let found = chosen.and_then(|(rule, key)| offered.iter().find(|t| t.rule == rule && t.key == key));
            found.or_else(|| offered.first()).cloned()
        })
    });
    let trial_value = RwSignal::new(None::<f64>);
    // The worker computes a curve only while the tab is open.
    let requested = Memo::new(move |_| {
        threshold.get().filter(|_| open.get()).map(|threshold| (threshold.rule.0, threshold.position))
    });
    Effect::new(move |_| {
        let requested = requested.get();
        if editor.results.sessions().get() > 0 {
            trial_value.set(None);
            worker_client::request(Request::Sweep(requested), None);
        }
    });
    let plot = Memo::new(move |_| {
        let (threshold, curved) = (threshold.get()?, editor.results.sweep().get()?);
        let fits = (curved.rule, curved.at) == (threshold.rule.0, threshold.position);
        fits.then(|| Plot::new(threshold, &curved).map(Arc::new)).flatten()
    });
    // A new curve starts at the number in the document.
    Effect::new(move |_| {
        plot.track();
        trial_value.set(None);
    });

    let drawn = Memo::new(move |_| plot.with(Option::is_some));
    let choose = move |event: leptos::ev::Event| {
        let at: usize = event_target_value(&event).parse().unwrap_or_default();
        chosen.set(offered.with_untracked(|offered| offered.get(at).map(|t| (t.rule, t.key.clone()))));
    };
    let at = move || {
        let threshold = threshold.get();
        offered.with(|offered| offered.iter().position(|other| Some(other) == threshold.as_ref()).unwrap_or_default())
    };
    move || {
        if offered.with(Vec::is_empty) {
            return view! {
                <EmptyState title="No threshold to move">
                    <p>"A rule that compares a field with a number (≥, >, ≤, <) can be swept. Select one, or add such a condition."</p>
                </EmptyState>
            }
            .into_any();
        }
        view! {
            <div class="sweep">
                <div class="sweep-form">
                    <select class="input" aria-label="Threshold" prop:value=move || at().to_string() on:change=choose>
                        {move || {
                            let now = at();
                            offered
                                .get()
                                .into_iter()
                                .enumerate()
                                .map(|(at, threshold)| {
                                    view! {
                                        <option value=at.to_string() selected=at == now>
                                            {format!("{} · {}", threshold.rule_id, threshold.label)}
                                        </option>
                                    }
                                })
                                .collect_view()
                        }}
                    </select>
                    {move || plot.get().map(|plot| counts_at(&plot, trial_value))}
                </div>
                {move || {
                    if drawn.get() {
                        view! { <Picture editor=editor plot=plot.into() trial_value=trial_value /> }.into_any()
                    } else {
                        view! { <div class="dock-wait"><Skeleton lines=3 /></div> }.into_any()
                    }
                }}
            </div>
        }
        .into_any()
    }
}

/// The outcomes at the chosen number, compared with those at the number in the document.
fn counts_at(plot: &Arc<Plot>, trial_value: RwSignal<Option<f64>>) -> impl IntoView + use<> {
    let plot = Arc::clone(plot);
    move || {
        let at = trial_value.get().unwrap_or(plot.curve.now);
        let (counts, before) = (plot.curve.counts(at), plot.curve.counts(plot.curve.now));
        let rows = Transitions::NAMES
            .into_iter()
            .zip(counts)
            .zip(before)
            .zip(LINES)
            .filter(|(((_, count), before), _)| *count + *before > 0)
            .map(|(((name, count), before), (tone, class))| {
                let daily = plot.days.map(|days| format!(" · {:.0} a day", count as f64 / days));
                let change = match count.cmp(&before) {
                    std::cmp::Ordering::Equal => String::new(),
                    std::cmp::Ordering::Greater => format!(" (+{})", format::count((count - before) as u64)),
                    std::cmp::Ordering::Less => format!(" (−{})", format::count((before - count) as u64)),
                };
                view! {
                    <li>
                        <svg class=format!("sweep-key {} {class}", tone.class()) viewBox="0 0 24 8" aria-hidden="true">
                            <path class="line" d="M0,4L24,4" />
                        </svg>
                        {name} " " <strong>{format::count(count as u64)}</strong>
                        <span class="muted">{change}{daily}</span>
                    </li>
                }
            })
            .collect_view();
        view! {
            <p class="sweep-now">
                {crate::labels::outside(&plot.threshold.label)} " " <strong>{at.to_string()}</strong>
                {(at != plot.curve.now).then(|| view! { " " <del><span class="visually-hidden">"was "</span>{plot.curve.now.to_string()}</del> })}
            </p>
            <ul class="sweep-counts">{rows}</ul>
            <p class="muted">
                {format!("{} depend on this number", format::plural(plot.curve.decided() as u64, "case", "cases"))}
            </p>
        }
    }
}
