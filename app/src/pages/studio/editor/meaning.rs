//! What the draft changes against stable for every possible input: the certificate, the regions, and how many of the
//! loaded cases each holds.

use std::sync::Arc;

use leptos::prelude::*;
use policy::{analysis::SemanticDiff, engine::Input};

use super::{replaying::Replayed, state::EditorState};
use crate::components::{
    Skeleton, format,
    region::{Certificate, RegionCard, TransitionMatrix, allows_anew, headline},
};

/// Regions drawn; the rest is counted.
const SHOWN: usize = 30;

/// The proven part of the *Changes* tab.
#[component]
pub fn Meaning(desk: EditorState, base: String) -> impl IntoView {
    Effect::new(move |_| {
        let Some(region) = desk.region.get() else { return };
        // After the tab has come into sight.
        request_animation_frame(move || {
            let card = document().query_selector(&format!("[data-region=\"{region}\"]")).ok().flatten();
            if let Some(card) = card {
                card.scroll_into_view();
            }
        });
    });
    move || match desk.diff.get() {
        None => view! { <Skeleton lines=3 /> }.into_any(),
        Some(diff) => {
            let counted = Memo::new({
                let diff = Arc::clone(&diff);
                move |_| counted(desk, &diff)
            });
            drawn(desk, &diff, &base, counted)
        }
    }
}

/// How many of the loaded cases each region holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Counted {
    regions: Vec<usize>,
    /// Whether all flips were counted; else each count may be too low.
    whole: bool,
    of: usize,
}

/// What was counted for the regions of `diff`.
fn counted(desk: EditorState, diff: &Arc<SemanticDiff>) -> Option<Counted> {
    let replayed = desk.replayed.get().filter(|one| one.diff.as_ref().is_some_and(|of| Arc::ptr_eq(of, diff)))?;
    Some(Counted { regions: replayed.regions.clone(), whole: !replayed.stopped(), of: replayed.done })
}

fn drawn(desk: EditorState, diff: &Arc<SemanticDiff>, base: &str, counted: Memo<Option<Counted>>) -> AnyView {
    // The rest of the sentence is no news when nothing changes.
    let total = diff.regions.len();
    let mut order: Vec<usize> = (0..total).collect();
    order.sort_by_key(|at| !diff.regions.get(*at).is_some_and(allows_anew));
    let try_it = Callback::new(move |input: Input| desk.try_input(input));
    let cards = order
        .into_iter()
        .take(SHOWN)
        .filter_map(|at| {
            let region = diff.regions.get(at)?.clone();
            let count = Signal::derive(move || {
                let Counted { regions, whole, of } = counted.get()?;
                let count = regions.get(at).copied().unwrap_or_default();
                let least = if whole { "" } else { "at least " };
                Some(format!("{least}{} of {}", format::count(count as u64), format::count(of as u64)))
            });
            let asked_for = move || desk.region.get() == Some(at);
            Some(view! {
                <div class="meaning-region" class:is-asked=asked_for data-region=at.to_string()>
                    <RegionCard region=region count=count on_try=try_it />
                </div>
            })
        })
        .collect_view();
    view! {
        <section class="meaning" aria-label="What changes for every input">
            <Certificate new_allows=diff.new_allows complete=diff.complete />
            <p>{headline(total, diff.complete, base)}</p>
            {cards}
            {(total > SHOWN)
                .then(|| view! { <p class="muted">{format!("and {} more regions", format::count((total - SHOWN) as u64))}</p> })}
            <Matrix desk=desk />
        </section>
    }
    .into_any()
}

/// How many of the loaded cases stay, and how many become something else.
#[component]
fn Matrix(desk: EditorState) -> impl IntoView {
    move || {
        let replayed: Arc<Replayed> =
            desk.replayed.get().filter(|replayed| replayed.has_stable && replayed.done > 0)?;
        Some(view! {
            <TransitionMatrix transitions=replayed.transitions />
            <p class="muted">
                {format!("Counted over {} of the chosen dataset.", format::plural(replayed.done as u64, "case", "cases"))}
            </p>
        })
    }
}
