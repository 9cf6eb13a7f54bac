//! The four gates as tiles.

use leptos::prelude::*;
use lifecycle::rollout::{GateReport, GateVerdict};

use super::tile::tile;
use crate::components::{Chip, IntervalBar, Tone};

/// A tile for each gate: value, limit, interval, what is known of stable, verdict, and an explanation unless it passes.
#[component]
pub(super) fn Gates(report: GateReport) -> impl IntoView {
    view! {
        <section class="grid-4 gates" aria-label="Quality gates" title=report.assumption>
            {report
                .gates
                .iter()
                .map(|gate| {
                    let tile = tile(gate);
                    let (tone, sign, verdict) = match tile.verdict {
                        GateVerdict::Pass => (Tone::Good, "✓", "pass"),
                        GateVerdict::Hold => (Tone::Warn, "◔", "hold"),
                        GateVerdict::Fail => (Tone::Bad, "✕", "fail"),
                    };
                    view! {
                        <article class="panel gate">
                            <header class="gate-head">
                                <h2>{tile.title}</h2>
                                <Chip tone=tone sign=sign>
                                    {verdict}
                                </Chip>
                            </header>
                            <p class="gate-value">{tile.value}</p>
                            <p class="gate-limit">{tile.limit}</p>
                            {tile
                                .interval
                                .map(|interval| {
                                    view! {
                                        <IntervalBar
                                            lower=interval.lower
                                            upper=interval.upper
                                            value=interval.value
                                            limit=interval.limit
                                            label=interval.words
                                            tone=tone
                                        />
                                    }
                                })}
                            {tile.details.map(|details| view! { <p class="gate-details">{details}</p> })}
                            {tile.message.map(|message| view! { <p class="gate-message">{message}</p> })}
                        </article>
                    }
                })
                .collect_view()}
        </section>
    }
}
