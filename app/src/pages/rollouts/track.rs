//! The track from shadow to all traffic.

use leptos::prelude::*;
use lifecycle::rollout::Stage;

use super::labels::{Progress, Step};

/// Shadow → 10 % → 50 % → 100 %, with the current stage. `passed` is the elapsed part of its minimum duration, in whole
/// percent.
#[component]
pub(super) fn Track(steps: Vec<Step>, #[prop(default = 100)] passed: u8) -> impl IntoView {
    let last = steps.len().saturating_sub(1);
    view! {
        <section class="panel track-panel" aria-label="Rollout track">
            <ol class="rollout-track">
                {steps
                    .into_iter()
                    .enumerate()
                    .map(|(i, step)| {
                        let (class, sign) = match step.progress {
                            Progress::Done => ("track-step is-done", "✓".to_owned()),
                            Progress::Now => ("track-step is-now", percent(step.stage)),
                            Progress::Ahead => ("track-step is-ahead", percent(step.stage)),
                        };
                        let fill = match step.progress {
                            Progress::Done => 100,
                            Progress::Now => passed,
                            Progress::Ahead => 0,
                        };
                        view! {
                            <li class=class aria-current=(step.progress == Progress::Now).then_some("step")>
                                {(i < last)
                                    .then(|| {
                                        view! {
                                            <svg class="track-line" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                                                <rect class="track-rail" width="100" height="4" />
                                                <rect class="track-fill" width=fill height="4" />
                                            </svg>
                                        }
                                    })}
                                <span class="track-dot" aria-hidden="true">
                                    {sign}
                                </span>
                                <span class="track-name">{step.name}</span>
                                <span class="track-note">{step.note}</span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
        </section>
    }
}

fn percent(stage: Stage) -> String {
    if stage == Stage::Shadow { "◌".to_owned() } else { stage.percent().to_string() }
}
