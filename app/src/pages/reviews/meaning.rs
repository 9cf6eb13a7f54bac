//! What the bundle changes, region by region, proven for every input.

use leptos::prelude::*;
use lifecycle::{
    analysis::{
        diff::{NewAllows, Outcome, Region, Scope},
        words::Phrase,
    },
    bundle::Effect,
    review::packet::{Meaning, ReplayReport},
};

use crate::{
    components::{Chip, EffectBadge, EmptyState, Notice, Tone, format},
    pages::decisions::words::gist,
    words,
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
    let (tone, certified, proof) = certificate(meaning.new_allows, meaning.complete);
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
            <Notice tone=tone>
                <strong>{certified}</strong>
                <p>{proof}</p>
            </Notice>
            <p class="lead">{headline(meaning.total_regions, meaning.complete, &base)}</p>
            {regions
                .into_iter()
                .take(SHOWN)
                .map(|(region, flips)| view! { <RegionCard region=region flips=flips total=total /> })
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

pub(crate) fn headline(regions: usize, complete: bool, base: &str) -> String {
    match (regions, complete) {
        (0, true) => format!("Every input was checked: all of them are answered exactly as by {base}."),
        (1, true) => format!("Every input was checked. One region changes; everything else answers exactly as {base}."),
        (n, true) => format!(
            "Every input was checked. {} regions change; everything else answers exactly as {base}.",
            words::capital(&words::number(n))
        ),
        (n, false) => format!(
            "Not every input could be checked within the work budget. {} were found so far.",
            format::plural(n as u64, "changed region", "changed regions")
        ),
    }
}

/// Colour, headline and explanation of what is certain about new allows.
pub(crate) fn certificate(new_allows: NewAllows, complete: bool) -> (Tone, String, String) {
    let every = "Proven for every possible input, recorded or not.".to_owned();
    match new_allows {
        NewAllows::None => (Tone::Good, "New allows: none".to_owned(), every),
        NewAllows::Some(count) => {
            let detail = if complete { every } else { "There may be more: the work budget ran out.".to_owned() };
            (Tone::Warn, format!("New allows: {}", format::plural(count as u64, "region", "regions")), detail)
        }
        NewAllows::Undecided => (
            Tone::Warn,
            "New allows: undecided".to_owned(),
            "The work budget ran out before every input was covered. Judge by the replay and the rules.".to_owned(),
        ),
    }
}

fn allows_anew(region: &Region) -> bool {
    region.after.effect == Effect::Allow && region.before.effect != Effect::Allow
}

#[component]
pub(crate) fn RegionCard(region: Region, flips: Option<usize>, total: usize) -> impl IntoView {
    let anew = allows_anew(&region);
    let decided = decided(&region);
    let example = gist(&region.witness.context);
    let example = if example.is_empty() { "an empty input".to_owned() } else { example };
    let count = flips
        .map(|flips| format!("{} of {} replayed decisions", format::count(flips as u64), format::count(total as u64)));
    view! {
        <article class="region">
            <header class="region-head">
                <OutcomeBadge outcome=region.before />
                <span aria-hidden="true">"→"</span>
                <span class="visually-hidden">"becomes"</span>
                <OutcomeBadge outcome=region.after />
                {anew.then(|| view! { <Chip tone=Tone::Warn>"newly allowed"</Chip> })}
                {count.map(|count| view! { <span class="region-count">{count}</span> })}
            </header>
            <p class="region-says">
                <strong>{scopes(&region.scopes)}</strong>
                {if region.conditions.is_empty() { "always" } else { "when" }}
                {region
                    .conditions
                    .into_iter()
                    .map(|Phrase { field, values }| {
                        view! {
                            <code class="condition">
                                <span class="condition-field">{field}</span>
                                " "
                                <span class="condition-test">{values}</span>
                            </code>
                            " "
                        }
                    })
                    .collect_view()}
            </p>
            <p class="region-why">{decided} " For example " <span class="mono">{example}</span> "."</p>
        </article>
    }
}

#[component]
fn OutcomeBadge(outcome: Outcome) -> impl IntoView {
    view! {
        <EffectBadge effect=outcome.effect />
        {outcome
            .error
            .then(|| {
                view! {
                    <Chip tone=Tone::Bad sign="!">
                        "error"
                    </Chip>
                }
            })}
    }
}

/// `inbox.triage · quarantine`, `any other agent · delete`, and how many more.
fn scopes(scopes: &[Scope]) -> String {
    const NAMED: usize = 3;
    let mut words: Vec<String> = scopes
        .iter()
        .take(NAMED)
        .map(|scope| {
            let agent = if scope.any_other_agent { "any other agent" } else { scope.agent.as_str() };
            let action = if scope.any_other_action { "any other action" } else { scope.action.as_str() };
            format!("{agent} · {action}")
        })
        .collect();
    if scopes.len() > NAMED {
        words.push(format!("{} more", scopes.len() - NAMED));
    }
    words.join("; ")
}

fn decided(region: &Region) -> String {
    let name = |rule: &Option<String>| rule.clone().unwrap_or_else(|| "no rule (the default)".to_owned());
    let (before, after) = (name(&region.before_rule), name(&region.after_rule));
    if before == after {
        format!("Decided by {after}, as before.")
    } else {
        format!("Decided by {after}, before by {before}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_named_and_the_rest_counted() {
        let scope = |agent: &str, other: bool| Scope {
            agent: agent.into(),
            action: "delete".into(),
            any_other_agent: other,
            any_other_action: false,
        };
        assert_eq!(scopes(&[scope("inbox.triage", false)]), "inbox.triage · delete");
        let many = [scope("a", false), scope("b", false), scope("c", true), scope("d", false)];
        assert_eq!(scopes(&many), "a · delete; b · delete; any other agent · delete; 1 more");
    }

    #[test]
    fn only_a_whole_search_proves_that_nothing_is_newly_allowed() {
        assert_eq!(certificate(NewAllows::None, true).0, Tone::Good);
        assert_eq!(certificate(NewAllows::Some(2), true).1, "New allows: 2 regions");
        assert_eq!(certificate(NewAllows::Undecided, false).0, Tone::Warn);
    }
}
