//! Charts as plain SVG. The content security policy forbids `style` attributes, so sizes are SVG attributes and colours
//! are classes. Each chart has a text alternative.

use leptos::prelude::*;

use super::{Tone, format};

/// A bundle in service, as the stage bar shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The version.
    pub version: String,
    /// The share of traffic in percent.
    pub percent: i16,
}

/// `2.3.0 ▓▓▓▓▒ 2.4.0`: the share of traffic of each version.
#[component]
pub fn StageBar(
    /// The bundle at 100 %.
    stable: Option<Share>,
    /// The candidate beside the stable bundle; 0 % for a shadow.
    canary: Option<Share>,
) -> impl IntoView {
    let taken = canary.as_ref().map_or(0, |canary| canary.percent.clamp(0, 100));
    let words = match (&stable, &canary) {
        (None, _) => "No bundle is live".to_owned(),
        (Some(stable), None) => format!("{} serves 100 %", stable.version),
        (Some(stable), Some(canary)) => {
            format!("{} serves {} %, {} serves {taken} %", stable.version, 100 - taken, canary.version)
        }
    };
    let (left, served) = if stable.is_some() { (100 - taken, taken) } else { (0, 0) };
    view! {
        <span class="stage-bar" role="img" aria-label=words.clone() title=words>
            <span class="stage-version">{stable.map_or_else(|| "—".to_owned(), |stable| stable.version)}</span>
            <svg class="stage-track" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                <rect class="track" width="100" height="8" />
                <rect class="fill tone-good" width=left height="8" />
                <rect class="fill tone-warn" x=left width=served height="8" />
            </svg>
            {canary.map(|canary| view! { <span class="stage-version">{canary.version}</span> })}
        </span>
    }
}

/// A filled bar from 0 to 1.
#[component]
pub fn Meter(
    /// How full, 0–1.
    value: f64,
    /// The measured quantity, with the number, for screen readers.
    #[prop(into)]
    label: String,
    /// The colour.
    #[prop(default = Tone::Accent)]
    tone: Tone,
) -> impl IntoView {
    view! {
        <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label=label>
            <rect class="track" width="100" height="8" />
            <rect class=format!("fill {}", tone.class()) width=value.clamp(0.0, 1.0) * 100.0 height="8" />
        </svg>
    }
}

/// One part of a [`BarStack`].
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The name of the part.
    pub name: String,
    /// The amount. Parts are drawn in proportion.
    pub amount: f64,
    /// The colour.
    pub tone: Tone,
}

/// The parts of a whole side by side, such as the mix of effects. With `legend`, names and shares are listed below.
#[component]
pub fn BarStack(
    /// The parts, left to right.
    parts: Vec<Part>,
    /// A name for the whole, for screen readers.
    #[prop(into)]
    label: String,
    /// Whether to list names and shares below.
    #[prop(optional)]
    legend: bool,
) -> impl IntoView {
    let total: f64 = parts.iter().map(|part| part.amount).sum();
    let share = move |amount: f64| if total > 0.0 { amount / total } else { 0.0 };
    let words = parts
        .iter()
        .map(|part| format!("{} {}", part.name, format::percent(share(part.amount))))
        .collect::<Vec<_>>()
        .join(", ");
    let mut x = 0.0;
    let bars = parts
        .iter()
        .map(|part| {
            let width = share(part.amount) * 100.0;
            let bar = view! {
                <rect class=format!("fill {}", part.tone.class()) x=x width=width height="8">
                    <title>{format!("{} {}", part.name, format::percent(share(part.amount)))}</title>
                </rect>
            };
            x += width;
            bar
        })
        .collect_view();
    view! {
        <div class="bar-stack">
            <svg class="bar bar-thick" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label=format!("{label}: {words}")>
                <rect class="track" width="100" height="8" />
                {bars}
            </svg>
            {legend
                .then(move || {
                    view! {
                        <ul class="legend">
                            {parts
                                .into_iter()
                                .map(|part| {
                                    view! {
                                        <li>
                                            <svg class=format!("swatch {}", part.tone.class()) viewBox="0 0 8 8" aria-hidden="true">
                                                <rect class="fill" width="8" height="8" rx="2" />
                                            </svg>
                                            {part.name}
                                            " "
                                            <strong>{format::percent(share(part.amount))}</strong>
                                        </li>
                                    }
                                })
                                .collect_view()}
                        </ul>
                    }
                })}
        </div>
    }
}

/// The path of a line through `points` in a box of 100 × 40, with `ceiling` at the top.
fn line(points: &[f64], ceiling: f64) -> String {
    let steps = points.len().saturating_sub(1).max(1);
    points
        .iter()
        .enumerate()
        .map(|(i, point)| {
            let x = i as f64 / steps as f64 * 100.0;
            format!("{}{x:.2},{:.2}", if i == 0 { "M" } else { "L" }, height(*point, ceiling))
        })
        .collect()
}

fn height(value: f64, ceiling: f64) -> f64 {
    if ceiling > 0.0 { 38.0 - value / ceiling * 36.0 } else { 38.0 }
}

/// A small line over time, oldest first, with an optional limit as a dashed line.
#[component]
pub fn Sparkline(
    /// The values, at least 0.
    points: Vec<f64>,
    /// A description of the line, with the last value, for screen readers.
    #[prop(into)]
    label: String,
    /// A limit.
    #[prop(optional)]
    threshold: Option<f64>,
    /// The colour.
    #[prop(default = Tone::Accent)]
    tone: Tone,
    /// Whether to draw a tall chart rather than a line next to text.
    #[prop(optional)]
    tall: bool,
) -> impl IntoView {
    let highest = points.iter().copied().fold(threshold.unwrap_or(0.0), f64::max);
    let path = line(&points, highest);
    let area = if points.is_empty() { String::new() } else { format!("{path}L100,40L0,40Z") };
    view! {
        <svg
            class=format!("sparkline {}", tone.class())
            class:sparkline-tall=tall
            viewBox="0 0 100 40"
            preserveAspectRatio="none"
            role="img"
            aria-label=label
        >
            <path class="area" d=area />
            <path class="line" d=path />
            {threshold
                .map(|threshold| {
                    let y = height(threshold, highest);
                    view! { <line class="limit" x1="0" x2="100" y1=y y2=y /> }
                })}
        </svg>
    }
}

/// A value within its interval, beside a limit: how much room is left, at a glance.
#[component]
pub fn IntervalBar(
    /// The lower end of the interval.
    lower: f64,
    /// The upper end of the interval.
    upper: f64,
    /// The value.
    value: f64,
    /// The limit, drawn as a dashed line.
    limit: f64,
    /// All of it in words, for screen readers.
    #[prop(into)]
    label: String,
    /// The colour.
    tone: Tone,
) -> impl IntoView {
    // What is far away is cut off at the edge, so that the room between value and limit stays visible.
    let start = value.min(limit).clamp(-1.0, 0.0);
    let end = (1.5 * value.max(limit)).max(start + 0.01);
    let place = move |at: f64| ((at - start) / (end - start)).clamp(0.0, 1.0) * 100.0;
    let (from, to) = (place(lower), place(upper));
    view! {
        <svg class=format!("interval {}", tone.class()) viewBox="0 0 100 12" preserveAspectRatio="none" role="img" aria-label=label>
            <rect class="track" y="4" width="100" height="4" />
            <rect class="range" x=from y="3" width=(to - from).max(0.5) height="6" />
            <line class="value" x1=place(value) x2=place(value) y1="1" y2="11" />
            <line class="limit" x1=place(limit) x2=place(limit) y1="0" y2="12" />
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_spans_the_box() {
        assert_eq!(line(&[0.0, 10.0], 10.0), "M0.00,38.00L100.00,2.00");
        assert_eq!(line(&[], 0.0), "");
        assert_eq!(line(&[5.0], 0.0), "M0.00,38.00");
    }
}
