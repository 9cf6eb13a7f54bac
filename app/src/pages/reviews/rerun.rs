//! *Re-run replay*: the browser fetches the stored decisions, replays them with the engine that serves decisions, and
//! compares the checksums.

use gloo_timers::future::TimeoutFuture;
use leptos::{prelude::*, task::spawn_local};

use super::state::Rerun;
use crate::{
    api::packets::packet_evidence,
    components::{Button, format, short_digest},
};

/// The button and the result.
#[component]
pub(super) fn RerunButton(packet_id: String, rerun: RwSignal<Rerun>) -> impl IntoView {
    let pending = Signal::derive(move || matches!(&*rerun.read(), Rerun::Fetching | Rerun::Replaying(_)));
    let start = move |_| {
        let packet_id = packet_id.clone();
        rerun.set(Rerun::Fetching);
        spawn_local(async move {
            let evidence = match packet_evidence(packet_id).await {
                Ok(evidence) => evidence,
                Err(error) => return rerun.set(Rerun::Failed(error.detail().to_owned())),
            };
            let count = evidence.corpus.cases.len();
            rerun.set(Rerun::Replaying(count));
            // The page must show the progress before the replay blocks it.
            TimeoutFuture::new(40).await;
            let began = now();
            let verified = evidence.verify();
            rerun.set(Rerun::Done(Box::new(verified), count, (now() - began) / 1000.0));
        });
    };
    view! {
        <div class="rerun">
            <span class="needs-script">
                <Button pending=pending on_click=start>
                    "Re-run replay"
                </Button>
            </span>
            <div role="status" class="rerun-status">
                {move || status(&rerun.read())}
            </div>
        </div>
    }
}

/// The progress or the result.
fn status(rerun: &Rerun) -> AnyView {
    match rerun {
        Rerun::Idle => view! { <p class="faint">"Runs in this browser, from the stored decisions."</p> }.into_any(),
        Rerun::Fetching => view! { <p class="muted">"Fetching the stored decisions…"</p> }.into_any(),
        Rerun::Replaying(count) => {
            view! { <p class="muted">{format!("Replaying {} twice…", decisions(*count))}</p> }.into_any()
        }
        Rerun::Failed(why) => view! { <p class="rerun-verdict tone-bad">{crate::labels::outside(why)}</p> }.into_any(),
        Rerun::Done(verified, count, seconds) => {
            let detail = format!(" · {} in {seconds:.1}\u{a0}s", decisions(*count));
            let (tone, verdict) = if verified.passed {
                ("tone-good", "✓ Same checksum")
            } else {
                ("tone-bad", "✕ Different checksum")
            };
            let problems = verified.problems.clone();
            let checksum = verified.replay_checksum.clone();
            view! {
                <p class=format!("rerun-verdict {tone}")>
                    <strong>{verdict}</strong>
                    {detail}
                </p>
                <p class="muted" title=checksum.clone()>
                    "Computed here: "
                    <span class="mono">{short_digest(&checksum)}</span>
                </p>
                {problems.into_iter().map(|problem| view! { <p>{crate::labels::outside(&problem)}</p> }).collect_view()}
            }
            .into_any()
        }
    }
}

fn decisions(count: usize) -> String {
    format::plural(count as u64, "decision", "decisions")
}

/// The browser's clock in milliseconds. Only for handlers: rendering must not depend on a clock.
fn now() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}
