//! Threshold sweep: the outcomes as a curve over one number of one rule. Dragging moves the number, letting go writes it.

mod picture;

use std::sync::Arc;

use leptos::prelude::*;
use policy::{
    bundle::Test,
    replay::{Transitions, sweep::Curve},
};
use worker::{Request, SweepResult};

use self::picture::Picture;
use super::{replaying::Draft, state::EditorState, worker_client};
use crate::{
    components::{EmptyState, Skeleton, Tone, format},
    model::Key,
};

/// Thresholds offered when no rule is selected.
const OFFERED: usize = 200;

/// A number that can be moved.
#[derive(Debug, Clone, PartialEq)]
struct Target {
    rule: Key,
    /// The condition's place in the rule, and its key as written.
    at: usize,
    key: String,
    /// `risk_score ≥`
    words: String,
    id: String,
}

/// A curve with what it is drawn by.
#[derive(Debug, PartialEq)]
struct Plot {
    target: Target,
    curve: Curve,
    days: Option<f64>,
    low: f64,
    high: f64,
    step: f64,
}

/// The *Threshold sweep* tab.
#[component]
pub fn SweepTab(desk: EditorState) -> impl IntoView {
    let chosen = RwSignal::new(None::<(Key, String)>);
    let open = Memo::new(move |_| desk.dock.read().as_str() == "sweep");
    let targets = Memo::new(move |_| {
        let selected = desk.selected.get();
        desk.draft.get().filter(|_| open.get()).map(|draft| targets(&draft, selected)).unwrap_or_default()
    });
    let target = Memo::new(move |_| {
        let chosen = chosen.get();
        targets.with(|targets| {
            let found = chosen.and_then(|(rule, key)| targets.iter().find(|t| t.rule == rule && t.key == key));
            found.or_else(|| targets.first()).cloned()
        })
    });
    let moved = RwSignal::new(None::<f64>);
    // Only what is looked at is worked out.
    let asked = Memo::new(move |_| target.get().filter(|_| open.get()).map(|target| (target.rule.0, target.at)));
    Effect::new(move |_| {
        let asked = asked.get();
        if desk.sessions.get() > 0 {
            moved.set(None);
            worker_client::ask(Request::Sweep(asked), None);
        }
    });
    // A new curve has a new number in it, or the old one.
    let plot = Memo::new(move |_| {
        let (target, curved) = (target.get()?, desk.swept.get()?);
        let same = (curved.rule, curved.at) == (target.rule.0, target.at);
        same.then(|| Plot::new(target, &curved).map(Arc::new)).flatten()
    });
    Effect::new(move |_| {
        plot.track();
        moved.set(None);
    });

    let drawn = Memo::new(move |_| plot.with(Option::is_some));
    let choose = move |event: leptos::ev::Event| {
        let at: usize = event_target_value(&event).parse().unwrap_or_default();
        chosen.set(targets.with_untracked(|targets| targets.get(at).map(|t| (t.rule, t.key.clone()))));
    };
    let at = move || {
        let target = target.get();
        targets.with(|targets| targets.iter().position(|other| Some(other) == target.as_ref()).unwrap_or_default())
    };
    move || {
        if targets.with(Vec::is_empty) {
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
                            targets
                                .get()
                                .into_iter()
                                .enumerate()
                                .map(|(at, target)| {
                                    view! {
                                        <option value=at.to_string() selected=at == now>
                                            {format!("{} · {}", target.id, target.words)}
                                        </option>
                                    }
                                })
                                .collect_view()
                        }}
                    </select>
                    {move || plot.get().map(|plot| told(&plot, moved))}
                </div>
                {move || {
                    if drawn.get() {
                        view! { <Picture desk=desk plot=plot.into() moved=moved /> }.into_any()
                    } else {
                        view! { <div class="dock-wait"><Skeleton lines=3 /></div> }.into_any()
                    }
                }}
            </div>
        }
        .into_any()
    }
}

/// The thresholds of the selected rule, or else of all rules.
fn targets(draft: &Draft, selected: Option<Key>) -> Vec<Target> {
    let all = || {
        draft.bundle.rules.iter().filter(|rule| rule.enabled).flat_map(|rule| {
            rule.conditions.iter().enumerate().filter_map(move |(at, condition)| {
                let operator = match condition.test {
                    Test::AtLeast(_) | Test::AtMost(_) | Test::Above(_) | Test::Below(_) => condition.test.operator(),
                    _ => return None,
                };
                Some(Target {
                    rule: draft.content.key_at(rule.position)?,
                    at,
                    key: condition.key.clone(),
                    words: format!("{} {}", condition.field, operator.words()),
                    id: rule.id.clone(),
                })
            })
        })
    };
    let own: Vec<Target> = all().filter(|target| Some(target.rule) == selected).collect();
    if own.is_empty() { all().take(OFFERED).collect() } else { own }
}

impl Plot {
    fn new(target: Target, curved: &SweepResult) -> Option<Self> {
        let curve = curved.curve.clone()?;
        let (low, high) = curve.range();
        let step = step(low, high, curve.whole());
        let (low, high) = (tidy((low / step).floor() * step), tidy((high / step).ceil() * step));
        Some(Self { target, days: curved.days, low, high, step, curve })
    }
}

/// A round step of which the range has about two hundred.
fn step(low: f64, high: f64, whole: bool) -> f64 {
    let rough = ((high - low) / 200.0).max(f64::MIN_POSITIVE);
    let step = 10_f64.powf(rough.log10().round());
    if whole { step.max(1.0) } else { step }
}

/// Without the noise of binary fractions.
fn tidy(number: f64) -> f64 {
    const SCALE: f64 = 1e9;
    if number.abs() < 1e6 { (number * SCALE).round() / SCALE } else { number }
}

const LINES: [(Tone, &str); 4] = [
    (Tone::Good, "sweep-allow"),
    (Tone::Warn, "sweep-approval"),
    (Tone::Bad, "sweep-deny"),
    (Tone::Neutral, "sweep-error"),
];

/// The numbers at the chosen threshold.
fn told(plot: &Arc<Plot>, moved: RwSignal<Option<f64>>) -> impl IntoView + use<> {
    let plot = Arc::clone(plot);
    move || {
        let at = moved.get().unwrap_or(plot.curve.now);
        let (counts, before) = (plot.curve.counts(at), plot.curve.counts(plot.curve.now));
        let rows = Transitions::NAMES
            .into_iter()
            .zip(counts)
            .zip(before)
            .zip(LINES)
            .filter(|(((_, count), before), _)| *count + *before > 0)
            .map(|(((name, count), before), (tone, class))| {
                #[expect(clippy::cast_precision_loss, reason = "counts of cases stay far below 2^52")]
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
                {plot.target.words.clone()} " " <strong>{at.to_string()}</strong>
                {(at != plot.curve.now).then(|| view! { " " <del><span class="visually-hidden">"was "</span>{plot.curve.now.to_string()}</del> })}
            </p>
            <ul class="sweep-counts">{rows}</ul>
            <p class="muted">
                {format!("{} depend on this number", format::plural(plot.curve.decided() as u64, "case", "cases"))}
            </p>
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!(step(0.0, 100.0, true), 1.0);
        assert_eq!(step(0.0, 1.0, false), 0.01);
        assert_eq!(step(0.0, 3000.0, true), 10.0);
        assert_eq!(step(84.0, 86.0, true), 1.0);
        assert_eq!(tidy(0.1 + 0.2), 0.3);
    }
}
