//! Test cases generated around the thresholds of a rule, to be accepted with a click.

use leptos::prelude::*;
use policy::replay::{BoundaryCase, Case, boundary_cases};

use super::{state::EditorState, test_cases::Tests};
use crate::{
    components::{Button, ButtonKind, EffectBadge, Table, facts::gist},
    model::rule,
};

/// Rows drawn.
const SHOWN: usize = 200;

/// Rules that one click proposes tests for.
const PROPOSED_FOR: usize = 5;

/// Tests around the thresholds of the selected rule, or else of rules that no test decides.
fn propose(desk: EditorState, tests: Tests) -> Vec<BoundaryCase> {
    let Some(draft) = desk.draft.get_untracked() else { return Vec::new() };
    let selected =
        desk.selected.get_untracked().and_then(|key| desk.rule(key)).map(|rule| rule::id(&rule.0).to_owned());
    let rules: Vec<String> = match selected {
        Some(rule) => vec![rule],
        None => desk.tested.with_untracked(|outcome| {
            let untested = outcome.iter().flat_map(|outcome| &outcome.untested);
            untested.take(PROPOSED_FOR).cloned().collect()
        }),
    };
    let known = tests.list.get_untracked().unwrap_or_default();
    let expecting: Vec<Case> = known.iter().filter(|case| case.expected_effect.is_some()).cloned().collect();
    rules.iter().flat_map(|rule| boundary_cases(&draft.bundle, rule, &expecting)).collect()
}

/// The way to generated tests, and those that wait to be accepted.
#[component]
pub fn Proposed(desk: EditorState, tests: Tests) -> impl IntoView {
    let proposed = RwSignal::new(Vec::<BoundaryCase>::new());
    let begin = move |_| {
        let tests = propose(desk, tests);
        if tests.is_empty() {
            desk.toasts().note("Nothing to propose: select a rule with conditions that have no tests yet.");
        }
        proposed.set(tests);
    };
    let accept = move |which: Option<usize>| {
        let mut taken = Vec::new();
        proposed.update(|proposed| match which {
            Some(at) if at < proposed.len() => taken.push(proposed.remove(at)),
            Some(_) => {}
            None => taken = std::mem::take(proposed),
        });
        tests.change(desk, taken.into_iter().map(|test| test.case).collect(), Vec::new());
    };
    let rows = move || {
        let waiting = proposed.get().into_iter().enumerate().take(SHOWN);
        waiting.map(|(at, test)| row(tests, test, Callback::new(move |()| accept(Some(at))))).collect_view()
    };
    view! {
        <div class="tests-proposed">
            <div class="tests-head">
                <Button
                    small=true
                    attr:title="Inputs just below, at and above each threshold of the selected rule, or of rules without a test"
                    on_click=begin
                >
                    "Propose boundary tests"
                </Button>
                <Show when=move || proposed.with(|proposed| !proposed.is_empty())>
                    <strong>"Is this what you want?"</strong>
                    <Button small=true kind=ButtonKind::Primary pending=tests.pending() on_click=move |_| accept(None)>"Accept all"</Button>
                    <Button small=true kind=ButtonKind::Ghost on_click=move |_| proposed.set(Vec::new())>"Discard"</Button>
                </Show>
            </div>
            <Show when=move || proposed.with(|proposed| !proposed.is_empty())>
                <Table label="Proposed test cases">
                    <thead>
                        <tr>
                            <th scope="col">"Tries"</th>
                            <th scope="col">"Input"</th>
                            <th scope="col">"Answer now"</th>
                            <th scope="col">"Decided by"</th>
                            <th scope="col"><span class="visually-hidden">"Accept"</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </Table>
            </Show>
        </div>
    }
}

fn row(tests: Tests, test: BoundaryCase, accept: Callback<()>) -> AnyView {
    let answer = test.case.expected_effect.unwrap_or_default();
    view! {
        <tr>
            <td>{test.about}</td>
            <td class="mono muted">{gist(&test.case.context)}</td>
            <td>
                <EffectBadge effect=answer no_match=test.decided_by.is_none() />
            </td>
            <td class="mono">{test.decided_by.unwrap_or_else(|| "default".to_owned())}</td>
            <td>
                <Button small=true pending=tests.pending() on_click=move |_| accept.run(())>"Accept"</Button>
            </td>
        </tr>
    }
    .into_any()
}
