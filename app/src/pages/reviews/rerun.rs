//! *Re-run replay*: the browser fetches the stored decisions, replays them with the same engine that serves them, and
//! compares the checksum before the reader's eyes.

use gloo_timers::future::TimeoutFuture;
use leptos::{prelude::*, task::spawn_local};
use lifecycle::review::Verification;

use crate::{
    api::packets::packet_evidence,
    components::{Button, format, short_digest},
};

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Run {
    /// Not asked for yet.
    #[default]
    Idle,
    /// The stored decisions are on their way.
    Fetching,
    /// This many are being replayed.
    Replaying(usize),
    /// What came out, of how many decisions, in how many seconds.
    Done(Box<Verification>, usize, f64),
    /// The decisions could not be fetched.
    Failed(String),
}

/// The button and what came of it. `run` is kept outside of what is fetched again.
#[component]
pub(super) fn ReRun(packet_id: String, run: RwSignal<Run>) -> impl IntoView {
    let pending = Signal::derive(move || matches!(&*run.read(), Run::Fetching | Run::Replaying(_)));
    let start = move |_| {
        let packet_id = packet_id.clone();
        run.set(Run::Fetching);
        spawn_local(async move {
            let evidence = match packet_evidence(packet_id).await {
                Ok(evidence) => evidence,
                Err(error) => return run.set(Run::Failed(error.detail().to_owned())),
            };
            let count = evidence.corpus.cases.len();
            run.set(Run::Replaying(count));
            // Let the page draw what it is doing before it is busy.
            TimeoutFuture::new(40).await;
            let began = now();
            let verified = evidence.verify();
            run.set(Run::Done(Box::new(verified), count, (now() - began) / 1000.0));
        });
    };
    view! {
        <div class="rerun">
            <span class="needs-script">
                <Button pending=pending on_click=start>
                    "Re-run replay"
                </Button>
            </span>
            <div role="status" class="rerun-says">
                {move || told(&run.read())}
            </div>
        </div>
    }
}

fn told(run: &Run) -> AnyView {
    match run {
        Run::Idle => view! { <p class="faint">"Runs in this browser, from the stored decisions."</p> }.into_any(),
        Run::Fetching => view! { <p class="muted">"Fetching the stored decisions…"</p> }.into_any(),
        Run::Replaying(count) => {
            view! { <p class="muted">{format!("Replaying {} twice…", decisions(*count))}</p> }.into_any()
        }
        Run::Failed(why) => view! { <p class="rerun-verdict tone-bad">{why.clone()}</p> }.into_any(),
        Run::Done(verified, count, seconds) => {
            let detail = format!(" · {} in {seconds:.1}\u{a0}s", decisions(*count));
            let (tone, verdict) = if verified.passed {
                ("tone-good", "✓ Same checksum")
            } else {
                ("tone-bad", "✕ It does not agree")
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
                {problems.into_iter().map(|problem| view! { <p>{problem}</p> }).collect_view()}
            }
            .into_any()
        }
    }
}

fn decisions(count: usize) -> String {
    format::plural(count as u64, "decision", "decisions")
}

/// Milliseconds on the browser's own watch. Called from handlers only, never while rendering.
fn now() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}
