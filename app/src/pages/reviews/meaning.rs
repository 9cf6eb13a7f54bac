//! What the bundle changes, region by region, proven for every input.

use leptos::prelude::*;
use lifecycle::{
    analysis::diff::Region,
    review::packet::{Meaning, ReplayReport},
};

use crate::components::{
    EmptyState, Notice, format,
    region::{Certificate, RegionCard, allows_anew, headline},
};

/// Regions drawn at once.
const SHOWN: usize = 40;

/// The regions that change, newly allowed ones first.
#[component]
pub(super) fn MeaningView(
    meaning: Option<Meaning>,
    base: Option<String>,
    flips: Vec<usize>,
    replay: ReplayReport,
) -> impl IntoView {
    let (Some(meaning), Some(base)) = (meaning, base) else {
        return view! {
            <EmptyState title="Nothing to compare with">
                <p>"No bundle was live when this was submitted, so everything it says is new. The rules stand under Text."</p>
            </EmptyState>
        }
        .into_any();
    };
    // Flips are only counted when all of them were recorded.
    let counted = replay.total_flips <= flips.iter().sum::<usize>();
    let total = replay.corpus_count;
    let mut regions: Vec<(Region, Option<usize>)> = meaning
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
