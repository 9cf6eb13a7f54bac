//! Test cases generated around the thresholds of a rule, to be accepted with a click.

use leptos::prelude::*;
use policy::replay::{BoundaryCase, boundary_cases};

use super::{state::EditorState, test_case_list::TestCaseList};
use crate::{
    components::{Button, ButtonKind, EffectBadge, Table, facts::gist},
    model::rule,
};

/// Number of rows drawn.
const SHOWN: usize = 200;

/// Maximum number of rules that one click generates cases for.
const MAX_RULES: usize = 5;

/// Cases around the thresholds of the selected rule, or otherwise of rules that no test case covers.
fn propose(editor: EditorState, tests: TestCaseList) -> Vec<BoundaryCase> {
    let Some(draft) = editor.results.draft().get_untracked() else { return Vec::new() };
    let selected = editor.selection.selected().get_untracked();
    let selected = selected.and_then(|key| editor.document.rule(key)).map(|rule| rule::id(&rule.0).to_owned());
    let rules: Vec<String> = match selected {
        Some(rule) => vec![rule],
        None => editor.results.tests().with_untracked(|outcome| {
            let untested = outcome.iter().flat_map(|outcome| &outcome.untested);
            untested.take(MAX_RULES).cloned().collect()
        }),
    };
    let expecting = tests.expecting();
    rules.iter().flat_map(|rule| boundary_cases(&draft.bundle, rule, &expecting)).collect()
}

/// The button that generates cases, and the generated cases that wait to be accepted.
#[component]
pub fn BoundaryCases(editor: EditorState, tests: TestCaseList) -> impl IntoView {
    let proposed = RwSignal::new(Vec::<BoundaryCase>::new());
    let generate = move |_| {
        let cases = propose(editor, tests);
        if cases.is_empty() {
            editor.toasts().note("Nothing to propose: select a rule with conditions that have no tests yet.");
        }
        proposed.set(cases);
    };
    // One proposed case, or all of them.
    let accept = move |index: Option<usize>| {
        let mut accepted = Vec::new();
        proposed.update(|proposed| match index {
            Some(index) if index < proposed.len() => accepted.push(proposed.remove(index)),
            Some(_) => {}
            None => accepted = std::mem::take(proposed),
        });
        tests.change(editor, accepted.into_iter().map(|boundary| boundary.case).collect(), Vec::new());
    };
    let rows = move || {
        let waiting = proposed.get().into_iter().enumerate().take(SHOWN);
        waiting.map(|(at, case)| proposed_row(tests, case, Callback::new(move |()| accept(Some(at))))).collect_view()
    };
    view! {
        <div class="tests-proposed">
            <div class="tests-head">
                <Button
                    small=true
                    attr:title="Inputs just below, at and above each threshold of the selected rule, or of rules without a test"
                    on_click=generate
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

fn proposed_row(tests: TestCaseList, proposed: BoundaryCase, accept: Callback<()>) -> AnyView {
    let answer = proposed.case.expected_effect.unwrap_or_default();
    view! {
        <tr>
            <td>{proposed.about}</td>
            <td class="mono muted">{gist(&proposed.case.context)}</td>
            <td>
                <EffectBadge effect=answer no_match=proposed.decided_by.is_none() />
            </td>
            <td class="mono">{proposed.decided_by.unwrap_or_else(|| "default".to_owned())}</td>
            <td>
                <Button small=true pending=tests.pending() on_click=move |_| accept.run(())>"Accept"</Button>
            </td>
        </tr>
    }
    .into_any()
}
