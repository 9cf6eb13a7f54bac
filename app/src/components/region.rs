//! Regions of a semantic diff in words: the certainty about new allows, each region that changes, and the number of
//! cases for each change of answer. Used by packets and by the editor.

use leptos::prelude::*;
use policy::{
    analysis::{
        diff::{DiffRegion, NewAllows, Outcome, Scope},
        phrases::Phrase,
    },
    bundle::Effect,
    characters::write_out,
    engine::Input,
    replay::Transitions,
};

use super::{Chip, EffectBadge, Notice, Table, Tone, facts::gist, format};
use crate::labels;

/// Whether a region becomes allowed that was not allowed before.
pub fn allows_anew(region: &DiffRegion) -> bool {
    region.after.effect == Effect::Allow && region.before.effect != Effect::Allow
}

/// The number of changes, in a sentence.
pub fn headline(regions: usize, complete: bool, base: &str) -> String {
    match (regions, complete) {
        (0, true) => format!("Every input was checked: all of them are answered exactly as by {base}."),
        (1, true) => format!("Every input was checked. One region changes; everything else answers exactly as {base}."),
        (n, true) => format!(
            "Every input was checked. {} regions change; everything else answers exactly as {base}.",
            labels::capital(&labels::number(n))
        ),
        (n, false) => format!(
            "Not every input could be checked within the work budget. {} were found so far.",
            format::plural(n as u64, "changed region", "changed regions")
        ),
    }
}

/// The certainty about inputs that become allowed.
#[component]
pub fn Certificate(new_allows: NewAllows, complete: bool) -> impl IntoView {
    let (tone, certified, proof) = certificate(new_allows, complete);
    view! {
        <Notice tone=tone>
            <strong>{certified}</strong>
            <p>{proof}</p>
        </Notice>
    }
}

/// Colour, headline and explanation of the certainty about new allows.
fn certificate(new_allows: NewAllows, complete: bool) -> (Tone, String, String) {
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

/// One region: its outcome before and after, its conditions, the deciding rules, and an example input.
#[component]
pub fn RegionCard(
    /// The region.
    region: DiffRegion,
    /// The number of cases in the region: `413 of 5,000 replayed decisions`.
    #[prop(optional, into)]
    count: MaybeProp<String>,
    /// Called with the example input to try it.
    #[prop(optional, into)]
    on_try: Option<Callback<Input>>,
) -> impl IntoView {
    let anew = allows_anew(&region);
    let exception = region.exception();
    let decided = decided(&region);
    let example = gist(&region.witness.context);
    let example = if example.is_empty() { "an empty input".to_owned() } else { example };
    let witness = region.witness;
    view! {
        <article class="region">
            <header class="region-head">
                <OutcomeBadge outcome=region.before />
                <span aria-hidden="true">"→"</span>
                <span class="visually-hidden">"becomes"</span>
                <OutcomeBadge outcome=region.after />
                {anew.then(|| view! { <Chip tone=Tone::Warn>"newly allowed"</Chip> })}
                {move || count.get().map(|count| view! { <span class="region-count">{count}</span> })}
            </header>
            <p class="region-summary">
                <strong>{scopes(&region.scopes)}</strong>
                {if region.conditions.is_empty() { "always" } else { "when" }}
                {region
                    .conditions
                    .into_iter()
                    .map(|Phrase { field, values }| {
                        view! {
                            <code class="condition">
                                <bdi class="condition-field">{write_out(&field).into_owned()}</bdi>
                                " "
                                <bdi class="condition-test">{values}</bdi>
                            </code>
                            " "
                        }
                    })
                    .collect_view()}
                {exception}
            </p>
            <p class="region-explanation">
                {decided} " For example " <span class="mono">{example}</span> "."
                {on_try
                    .map(|on_try| {
                        view! {
                            " "
                            <button type="button" class="link-button" on:click=move |_| on_try.run(witness.clone())>
                                "Try it"
                            </button>
                        }
                    })}
            </p>
        </article>
    }
}

/// An effect, and whether it results from an error.
#[component]
pub fn OutcomeBadge(outcome: Outcome) -> impl IntoView {
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

/// How many cases keep their answer, and how many change to which. Errors have a row and a column if there are any.
#[component]
pub fn TransitionMatrix(transitions: Transitions) -> impl IntoView {
    let Transitions(counts) = transitions;
    let errors = counts
        .iter()
        .enumerate()
        .any(|(from, row)| row.iter().enumerate().any(|(to, count)| *count > 0 && (from == 3 || to == 3)));
    let size = if errors { 4 } else { 3 };
    // Allow is the loosest effect and comes first, so counts left of the diagonal became looser. An error is neither.
    let class = |from: usize, to: usize, count: usize| match (from.cmp(&to), count) {
        (_, 0) => "num faint",
        (std::cmp::Ordering::Equal, _) => "num",
        (std::cmp::Ordering::Greater, _) if from < 3 => "num cell-looser",
        _ => "num cell-stricter",
    };
    view! {
        <Table label="How answers change">
            <thead>
                <tr>
                    <th scope="col">"Before"</th>
                    {Transitions::NAMES
                        .into_iter()
                        .take(size)
                        .map(|name| view! { <th scope="col" class="num">{format!("→ {name}")}</th> })
                        .collect_view()}
                </tr>
            </thead>
            <tbody>
                {counts
                    .into_iter()
                    .enumerate()
                    .take(size)
                    .map(|(from, row)| {
                        view! {
                            <tr>
                                <th scope="row">{Transitions::NAMES.get(from).copied()}</th>
                                {row
                                    .into_iter()
                                    .enumerate()
                                    .take(size)
                                    .map(|(to, count)| {
                                        view! { <td class=class(from, to, count)>{format::count(count as u64)}</td> }
                                    })
                                    .collect_view()}
                            </tr>
                        }
                    })
                    .collect_view()}
            </tbody>
        </Table>
    }
}

/// `inbox.triage · quarantine`, `any other agent · delete`, and how many more.
fn scopes(scopes: &[Scope]) -> String {
    const NAMED: usize = 3;
    let mut words: Vec<String> =
        scopes.iter().take(NAMED).map(|scope| format!("{} · {}", scope.agents(), scope.actions())).collect();
    if scopes.len() > NAMED {
        words.push(format!("{} more", scopes.len() - NAMED));
    }
    words.join("; ")
}

fn decided(region: &DiffRegion) -> String {
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
        assert_eq!(scopes(&[scope("inbox.other", true)]), "any other inbox.* · delete");
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
