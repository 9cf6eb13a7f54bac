//! The drawn curves, with the slider that moves the threshold.

use std::{fmt::Write as _, sync::Arc};

use leptos::{ev::PointerEvent, html, prelude::*};
use policy::bundle::condition::number_value;
use wasm_bindgen::JsCast;

use super::plot::{LINES, Plot, round_off_noise};
use crate::{
    model::{Edit, TypingTarget},
    pages::studio::editor::state::EditorState,
};

/// Number of points of a drawn curve.
const POINTS: u32 = 160;

/// Size of the picture, in its own units.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// The curves with the slider below; both move the threshold. They stay in the page while the curves are redrawn, so
/// that the pointer keeps its hold on the slider.
#[component]
pub fn Picture(
    editor: EditorState,
    plot: Signal<Option<Arc<Plot>>>,
    trial_value: RwSignal<Option<f64>>,
) -> impl IntoView {
    let picture = NodeRef::<html::Div>::new();
    let editable = editor.document.is_editable();
    let dragging = StoredValue::new(false);
    let value = move || trial_value.get().or_else(|| plot.with(|plot| plot.as_ref().map(|plot| plot.curve.now)));
    let x = move |value: Option<f64>| plot.with(|plot| x_of(plot.as_deref(), value));
    let now = move || x(plot.with(|plot| plot.as_ref().map(|plot| plot.curve.now)));
    let write = move || {
        let Some(plot) = plot.get_untracked() else { return };
        let Some(to) = trial_value.get_untracked().filter(|to| *to != plot.curve.now) else { return };
        let (rule, key) = (plot.threshold.rule, plot.threshold.key.clone());
        let stroke = TypingTarget::Field(rule, format!("sweep {key}"));
        let edit = Edit::Condition { key: rule, from: Some(key.clone()), to: key, value: number_value(to) };
        if editor.document.type_into(stroke, &edit).is_err() {
            trial_value.set(None);
        }
    };
    let to_pointer = move |event: &PointerEvent| {
        let (Some(picture), Some(plot)) = (picture.get_untracked(), plot.get_untracked()) else { return };
        let area = picture.get_bounding_client_rect();
        let share = ((f64::from(event.client_x()) - area.left()) / area.width().max(1.0)).clamp(0.0, 1.0);
        let reached = plot.low + share * (plot.high - plot.low);
        trial_value.set(Some(round_off_noise((reached / plot.step).round() * plot.step)));
    };
    let grab = move |event: PointerEvent| {
        if !editable {
            return;
        }
        event.prevent_default();
        dragging.set_value(true);
        if let Some(area) = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()) {
            let _ = area.set_pointer_capture(event.pointer_id());
        }
        to_pointer(&event);
    };
    let lines = move || plot.get().map(|plot| curves(&plot));
    let label = move || plot.with(|plot| plot.as_ref().map(|plot| plot.threshold.label.clone()).unwrap_or_default());
    let number = move |of: fn(&Plot) -> f64| plot.with(|plot| plot.as_ref().map(|plot| of(plot).to_string()));
    let value_text = move || value().map(|value| value.to_string()).unwrap_or_default();
    view! {
        <div class="sweep-plot">
            <div
                class="sweep-picture"
                class:is-fixed=!editable
                node_ref=picture
                on:pointerdown=grab
                on:pointermove=move |event| {
                    if dragging.get_value() {
                        to_pointer(&event);
                    }
                }
                on:pointerup=move |_| {
                    if dragging.try_update_value(std::mem::take).unwrap_or_default() {
                        write();
                    }
                }
                on:pointercancel=move |_| dragging.set_value(false)
            >
                <svg class="sweep-chart" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
                    {lines}
                    <line class="sweep-was" x1=now x2=now y1="0" y2=HEIGHT />
                    <line class="sweep-at" x1=move || x(value()) x2=move || x(value()) y1="0" y2=HEIGHT />
                </svg>
            </div>
            <input
                type="range"
                class="sweep-range"
                aria-label=move || format!("Threshold of {}", label())
                aria-valuetext=move || format!("{} {}", label(), value_text())
                min=move || number(|plot| plot.low)
                max=move || number(|plot| plot.high)
                step=move || number(|plot| plot.step)
                disabled=!editable
                prop:value=value_text
                on:input=move |event| trial_value.set(event_target_value(&event).parse().ok().map(round_off_noise))
                on:change=move |_| write()
            />
            <div class="sweep-ends muted" aria-hidden="true">
                <span>{move || number(|plot| plot.low)}</span>
                <span>{move || number(|plot| plot.high)}</span>
            </div>
        </div>
    }
}

/// The x coordinate of a value in the picture.
fn x_of(plot: Option<&Plot>, value: Option<f64>) -> f64 {
    let at = plot.zip(value).map(|(plot, value)| (value - plot.low) / (plot.high - plot.low) * WIDTH);
    at.unwrap_or_default().clamp(0.0, WIDTH)
}

fn curves(plot: &Plot) -> AnyView {
    let ceiling = samples(plot).flat_map(|(_, counts)| counts).max().unwrap_or_default();
    LINES
        .into_iter()
        .enumerate()
        .map(|(at, (tone, class))| {
            view! { <path class=format!("line {} {class}", tone.class()) d=line(plot, at, ceiling) /> }
        })
        .collect_view()
        .into_any()
}

/// Points along the picture, as shares of its width, with the counts at each.
fn samples(plot: &Plot) -> impl Iterator<Item = (f64, [usize; 4])> {
    (0..=POINTS).map(move |point| {
        let share = f64::from(point) / f64::from(POINTS);
        (share, plot.curve.counts(plot.low + share * (plot.high - plot.low)))
    })
}

fn line(plot: &Plot, at: usize, ceiling: usize) -> String {
    let mut d = String::new();
    let mut any = false;
    for (share, counts) in samples(plot) {
        let count = counts.get(at).copied().unwrap_or_default();
        any |= count > 0;
        let y = HEIGHT - 4.0 - count as f64 / ceiling.max(1) as f64 * (HEIGHT - 8.0);
        let pen = if d.is_empty() { 'M' } else { 'L' };
        let _ = write!(d, "{pen}{:.1},{y:.1}", share * WIDTH);
    }
    if any { d } else { String::new() }
}
