//! The curves, with the slider that moves the threshold.

use std::sync::Arc;

use leptos::{ev::PointerEvent, html, prelude::*};
use lifecycle::bundle::condition::number_value;
use wasm_bindgen::JsCast;

use super::{LINES, Plot, tidy};
use crate::{
    editor::{Edit, Stroke},
    pages::studio::editor::desk::Desk,
};

/// Points of a drawn curve.
const POINTS: u32 = 160;

/// Size of the picture, in its own units.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// The curves with the slider below. The slider and the picture move the same number.
#[component]
pub fn Picture(desk: Desk, plot: Arc<Plot>, moved: RwSignal<Option<f64>>) -> impl IntoView {
    let picture = NodeRef::<html::Div>::new();
    let (low, high, step) = (plot.low, plot.high, plot.step);
    let now = plot.curve.now;
    let ceiling = samples(&plot).flat_map(|(_, counts)| counts).max().unwrap_or_default();
    let lines = LINES
        .into_iter()
        .enumerate()
        .map(|(at, (tone, class))| {
            let d = line(&plot, at, ceiling);
            view! { <path class=format!("line {} {class}", tone.class()) d=d /> }
        })
        .collect_view();
    let x = move |value: f64| ((value - low) / (high - low) * WIDTH).clamp(0.0, WIDTH);
    let write = {
        let target = plot.target.clone();
        move || {
            let Some(to) = moved.get_untracked().filter(|to| *to != now) else { return };
            let value = number_value(to);
            let edit =
                Edit::Condition { key: target.rule, from: Some(target.key.clone()), to: target.key.clone(), value };
            if desk.type_into(Stroke::Field(target.rule, format!("sweep {}", target.key)), &edit).is_err() {
                moved.set(None);
            }
        }
    };
    let write = StoredValue::new(write);
    let to_pointer = move |event: &PointerEvent| {
        let Some(picture) = picture.get_untracked() else { return };
        let area = picture.get_bounding_client_rect();
        let share = ((f64::from(event.client_x()) - area.left()) / area.width().max(1.0)).clamp(0.0, 1.0);
        moved.set(Some(tidy(((low + share * (high - low)) / step).round() * step)));
    };
    let dragging = StoredValue::new(false);
    let editable = desk.editable;
    let words = plot.target.words.clone();
    let label = format!("Threshold of {}", plot.target.words);
    view! {
        <div class="sweep-plot">
            <div
                class="sweep-picture"
                class:is-fixed=!editable
                node_ref=picture
                on:pointerdown=move |event| {
                    if editable {
                        event.prevent_default();
                        dragging.set_value(true);
                        let target = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
                        if let Some(target) = target {
                            let _ = target.set_pointer_capture(event.pointer_id());
                        }
                        to_pointer(&event);
                    }
                }
                on:pointermove=move |event| {
                    if dragging.get_value() {
                        to_pointer(&event);
                    }
                }
                on:pointerup=move |_| {
                    if dragging.try_update_value(std::mem::take).unwrap_or_default() {
                        write.with_value(|write| write());
                    }
                }
                on:pointercancel=move |_| dragging.set_value(false)
            >
                <svg class="sweep-chart" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
                    {lines}
                    <line class="sweep-was" x1=x(now) x2=x(now) y1="0" y2=HEIGHT />
                    <line
                        class="sweep-at"
                        x1=move || x(moved.get().unwrap_or(now))
                        x2=move || x(moved.get().unwrap_or(now))
                        y1="0"
                        y2=HEIGHT
                    />
                </svg>
            </div>
            <input
                type="range"
                class="sweep-range"
                aria-label=label
                aria-valuetext=move || format!("{words} {}", moved.get().unwrap_or(now))
                min=low.to_string()
                max=high.to_string()
                step=step.to_string()
                disabled=!editable
                prop:value=move || moved.get().unwrap_or(now).to_string()
                on:input=move |event| moved.set(event_target_value(&event).parse().ok().map(tidy))
                on:change=move |_| write.with_value(|write| write())
            />
            <div class="sweep-ends muted" aria-hidden="true">
                <span>{low.to_string()}</span>
                <span>{high.to_string()}</span>
            </div>
        </div>
    }
}

/// Thresholds along the picture with the counts at each.
fn samples(plot: &Plot) -> impl Iterator<Item = (f64, [usize; 4])> {
    (0..=POINTS).map(move |point| {
        let share = f64::from(point) / f64::from(POINTS);
        (share, plot.curve.counts(plot.low + share * (plot.high - plot.low)))
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of cases stay far below 2^52")]
fn line(plot: &Plot, at: usize, ceiling: usize) -> String {
    let mut d = String::new();
    let mut any = false;
    for (share, counts) in samples(plot) {
        let count = counts.get(at).copied().unwrap_or_default();
        any |= count > 0;
        let y = HEIGHT - 4.0 - count as f64 / ceiling.max(1) as f64 * (HEIGHT - 8.0);
        let pen = if d.is_empty() { 'M' } else { 'L' };
        d.push_str(&format!("{pen}{:.1},{y:.1}", share * WIDTH));
    }
    if any { d } else { String::new() }
}
