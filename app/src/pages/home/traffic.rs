//! The last hour in three charts: decisions, errors, and answers.

use leptos::prelude::*;
use lifecycle::overview::{EffectMix, Minute};

use crate::components::{BarStack, Panel, Part, Sparkline, Tone, format};

/// Numbers of the last hour.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Hour {
    decisions: u64,
    errors: u64,
    /// Decisions of the last whole minute.
    last_minute: u64,
}

/// The totals of the last hour. The last entry is the minute that has not ended yet, so the entry before it is the last
/// whole minute.
fn hour(minutes: &[Minute]) -> Hour {
    Hour {
        decisions: minutes.iter().map(|minute| minute.decisions).sum(),
        errors: minutes.iter().map(|minute| minute.errors).sum(),
        last_minute: minutes.iter().rev().nth(1).map_or(0, |minute| minute.decisions),
    }
}

/// `part / whole`, 0–1; 0 when `whole` is 0.
fn rate(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The three charts.
#[component]
pub(super) fn Traffic(minutes: Vec<Minute>, mix: EffectMix) -> impl IntoView {
    let hour = hour(&minutes);
    let decisions: Vec<f64> = minutes.iter().map(|minute| minute.decisions as f64).collect();
    let errors: Vec<f64> = minutes.iter().map(|minute| rate(minute.errors, minute.decisions)).collect();
    let error_rate = rate(hour.errors, hour.decisions);
    let tone = if error_rate > 0.05 { Tone::Bad } else { Tone::Accent };
    let part = |name: &str, amount: u64, tone| Part { name: name.to_owned(), amount: rate(amount, 1), tone };
    let answered = mix.allow + mix.needs_approval + mix.deny;
    view! {
        <div class="grid-3">
            <Panel title="Decisions" note="last hour, by the minute">
                <p class="figure">{format::count(hour.last_minute)} <span class="figure-unit">" a minute"</span></p>
                <p class="faint">{format::count(hour.decisions)} " in the hour"</p>
                <Sparkline points=decisions label=format!("Decisions a minute over the last hour, now {}", hour.last_minute) />
            </Panel>
            <Panel title="Error rate" note="last hour">
                <p class="figure">{format::percent(error_rate)}</p>
                <p class="faint">
                    {format::plural(hour.errors, "decision", "decisions")} " in error · limit of the gate 5\u{a0}%"
                </p>
                <Sparkline
                    points=errors
                    threshold=0.05
                    tone=tone
                    label=format!("Error rate by the minute over the last hour, {} in all", format::percent(error_rate))
                />
            </Panel>
            <Panel title="Answers" note="last hour">
                {if answered == 0 {
                    view! { <p class="faint">"No decisions in the last hour. They appear here as agents ask."</p> }.into_any()
                } else {
                    view! {
                        <div class="stack">
                            <BarStack
                                parts=vec![
                                    part("✓ allow", mix.allow, Tone::Good),
                                    part("❚❚ needs approval", mix.needs_approval, Tone::Warn),
                                    part("✕ deny", mix.deny, Tone::Bad),
                                ]
                                label="Answers of the last hour"
                                legend=true
                            />
                            <p class="faint">
                                "○ " {format::percent(rate(mix.no_match, answered))} " matched no rule and got the default."
                            </p>
                        </div>
                    }
                        .into_any()
                }}
            </Panel>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use policy::Timestamp;

    use super::*;

    #[test]
    fn the_running_minute_is_not_the_last_whole_minute() {
        let minute = |decisions, errors| Minute { at: Timestamp::EPOCH, decisions, errors };
        let hour = hour(&[minute(4, 1), minute(6, 0), minute(1, 0)]);
        assert_eq!(hour, Hour { decisions: 11, errors: 1, last_minute: 6 });
        assert_eq!(super::hour(&[]).last_minute, 0);
    }

    #[test]
    fn the_rate_without_decisions_is_zero() {
        assert!((rate(0, 0)).abs() < f64::EPSILON);
        assert!((rate(1, 4) - 0.25).abs() < f64::EPSILON);
    }
}
