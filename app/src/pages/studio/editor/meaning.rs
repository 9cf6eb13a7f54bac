//! The changes of the draft against stable for every possible input: the certificate, the regions, and how many of the
//! replayed cases each region contains.

use std::sync::Arc;

use leptos::prelude::*;
use policy::{analysis::SemanticDiff, engine::Input};

use super::state::{EditorState, replay_result::ReplayResult};
use crate::components::{
    Skeleton, format,
    region::{Certificate, RegionCard, TransitionMatrix, allows_anew, headline},
};

/// Maximum number of regions drawn; the others are counted.
const SHOWN: usize = 30;

/// The proven part of the *Changes* tab.
#[component]
pub fn Meaning(editor: EditorState, base: String) -> impl IntoView {
    Effect::new(move |_| {
        let Some(region) = editor.panes.region().get() else { return };
        // In the next frame, when the tab is visible.
        request_animation_frame(move || {
            let card = document().query_selector(&format!("[data-region=\"{region}\"]")).ok().flatten();
            if let Some(card) = card {
                card.scroll_into_view();
            }
        });
    });
    move || match editor.results.diff().get() {
        None => view! { <Skeleton lines=3 /> }.into_any(),
        Some(diff) => {
            let counted = Memo::new({
                let diff = Arc::clone(&diff);
                move |_| region_counts(editor, &diff)
            });
            proven_changes(editor, &diff, &base, counted)
        }
    }
}

/// How many of the replayed cases each region contains.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RegionCounts {
    regions: Vec<usize>,
    /// Whether all flips were counted; otherwise each count may be too low.
    complete: bool,
    /// The number of replayed cases.
    cases: usize,
}

/// The counts for the regions of `diff`; `None` while the replay belongs to another diff.
fn region_counts(editor: EditorState, diff: &Arc<SemanticDiff>) -> Option<RegionCounts> {
    let replayed =
        editor.results.replay().get().filter(|one| one.diff.as_ref().is_some_and(|of| Arc::ptr_eq(of, diff)))?;
    Some(RegionCounts { regions: replayed.regions.clone(), complete: !replayed.stopped(), cases: replayed.done })
}

fn proven_changes(
    editor: EditorState,
    diff: &Arc<SemanticDiff>,
    base: &str,
    counted: Memo<Option<RegionCounts>>,
) -> AnyView {
    let total = diff.regions.len();
    let mut order: Vec<usize> = (0..total).collect();
    order.sort_by_key(|at| !diff.regions.get(*at).is_some_and(allows_anew));
    let try_it = Callback::new(move |input: Input| editor.try_input(input));
    let cards = order
        .into_iter()
        .take(SHOWN)
        .filter_map(|at| {
            let region = diff.regions.get(at)?.clone();
            let count = Signal::derive(move || {
                let RegionCounts { regions, complete, cases } = counted.get()?;
                let count = regions.get(at).copied().unwrap_or_default();
                let least = if complete { "" } else { "at least " };
                Some(format!("{least}{} of {}", format::count(count as u64), format::count(cases as u64)))
            });
            let asked_for = move || editor.panes.region().get() == Some(at);
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
            <Matrix editor=editor />
        </section>
    }
    .into_any()
}

/// How many of the replayed cases keep their effect, and how many change it.
#[component]
fn Matrix(editor: EditorState) -> impl IntoView {
    move || {
        let replayed: Arc<ReplayResult> =
            editor.results.replay().get().filter(|replayed| replayed.has_stable && replayed.done > 0)?;
        Some(view! {
            <TransitionMatrix transitions=replayed.transitions />
            <p class="muted">
                {format!("Counted over {} of the chosen dataset.", format::plural(replayed.done as u64, "case", "cases"))}
            </p>
        })
    }
}
