//! The Meaning tab of a packet: the changes by region, proven for every input.

use leptos::prelude::*;
use lifecycle::review::{SemanticDiffSummary, content::ReplayReport};
use policy::{
    analysis::diff::{DiffRegion, Outcome},
    bundle::Effect,
    replay::{Summary, Transitions},
};

use crate::components::{
    EmptyState, Notice, format,
    region::{Certificate, RegionCard, TransitionMatrix, allows_anew, headline},
};

/// The number of regions shown.
const SHOWN: usize = 40;

/// The regions that change, newly allowed ones first.
#[component]
pub(super) fn MeaningView(
    meaning: Option<SemanticDiffSummary>,
    base: Option<String>,
    flips: Vec<usize>,
    replay: ReplayReport,
    transitions: Vec<(Effect, Effect, usize)>,
) -> impl IntoView {
    let (Some(meaning), Some(base)) = (meaning, base) else {
        return view! {
            <EmptyState title="Nothing to compare with">
                <p>"No bundle was live when this was submitted, so all of it is new. The rules are listed under Text."</p>
            </EmptyState>
        }
        .into_any();
    };
    // Regions show a count only when all flips were recorded.
    let counted = replay.total_flips <= flips.iter().sum::<usize>();
    let total = replay.corpus_count;
    let whole = replay.total_flips == transitions.iter().map(|(.., count)| count).sum::<usize>();
    let matrix = replay.base_summary.as_ref().filter(|_| whole).map(|base| matrix(base, &transitions));
    let mut regions: Vec<(DiffRegion, Option<usize>)> = meaning
        .regions
        .into_iter()
        .enumerate()
        .map(|(i, region)| (region, flips.get(i).copied().filter(|_| counted)))
        .collect();
    regions.sort_by_key(|(region, _)| !allows_anew(region));
    let drawn = regions.len().min(SHOWN);
    view! {
        <div class="stack packet-body">
            <Certificate new_allows=meaning.new_allows complete=meaning.complete />
            <p class="lead">{headline(meaning.total_regions, meaning.complete, &base)}</p>
            {regions
                .into_iter()
                .take(SHOWN)
                .map(|(region, flips)| {
                    let count = flips.map(|flips| {
                        format!("{} of {} replayed decisions", format::count(flips as u64), format::count(total as u64))
                    });
                    view! { <RegionCard region=region count=count /> }
                })
                .collect_view()}
            {matrix.map(|transitions| view! { <TransitionMatrix transitions=transitions /> })}
            {(drawn < meaning.total_regions)
                .then(|| {
                    view! {
                        <Notice>
                            {format!(
                                "{} more regions are not drawn here; the packet's JSON under Evidence has more.",
                                format::count((meaning.total_regions - drawn) as u64),
                            )}
                        </Notice>
                    }
                })}
        </div>
    }
    .into_any()
}

/// The transitions between answers. Errors are only known from flips, so they count as the effect that holds.
fn matrix(base: &Summary, transitions: &[(Effect, Effect, usize)]) -> Transitions {
    let at = |effect| Transitions::index(Outcome { effect, error: false });
    let mut counts = [[0; 4]; 4];
    for (from, all) in [
        (Effect::Allow, base.allow_count),
        (Effect::NeedsApproval, base.approval_count),
        (Effect::Deny, base.deny_count),
    ] {
        let gone: usize = transitions.iter().filter(|(before, ..)| *before == from).map(|(.., count)| count).sum();
        counts[at(from)][at(from)] = all.saturating_sub(gone);
    }
    for (before, after, count) in transitions.iter().filter(|(before, after, _)| before != after) {
        counts[at(*before)][at(*after)] += count;
    }
    Transitions(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_keeps_what_did_not_flip_on_its_diagonal() {
        let base = Summary { allow_count: 100, approval_count: 10, deny_count: 50, ..Summary::default() };
        let transitions = [(Effect::Deny, Effect::Allow, 7), (Effect::Allow, Effect::Deny, 1)];
        let Transitions(rows) = matrix(&base, &transitions);
        assert_eq!(rows, [[99, 0, 1, 0], [0, 10, 0, 0], [7, 0, 43, 0], [0; 4]]);
    }
}
