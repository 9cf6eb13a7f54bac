//! The *Test cases* tab: the effect expected for certain inputs, and whether the draft gives it.

use std::sync::Arc;

use leptos::prelude::*;
use policy::{
    bundle::Effect,
    engine::Input,
    replay::{Case, CaseResult},
};
use worker::TestReport;

use super::{boundary_cases::BoundaryCases, rule_link::RuleLink, state::EditorState, test_case_list::TestCaseList};
use crate::components::{
    Button, ButtonKind, Chip, EffectBadge, EmptyState, Skeleton, Table, Tone, effect_words, facts::gist, format,
};

/// Maximum number of rows drawn of each list; the others are counted.
const SHOWN: usize = 200;

/// The *Test cases* tab.
#[component]
pub fn TestCases(editor: EditorState, tests: TestCaseList) -> impl IntoView {
    // Proposed cases must outlive the list, which is redrawn after each answer of the server.
    view! {
        <div class="tests">
            {move || editor.results.tests().get().map(|outcome| view! { <Head editor=editor outcome=outcome /> })}
            {editor.document.may_edit().then(|| view! { <BoundaryCases editor=editor tests=tests /> })}
            {move || match (tests.cases(), editor.results.tests().get()) {
                (Some(list), Some(outcome)) => test_table(editor, tests, &list, &outcome),
                _ => view! { <div class="dock-wait"><Skeleton lines=3 /></div> }.into_any(),
            }}
        </div>
    }
}

/// How many test cases pass, and which rules no test case covers.
#[component]
fn Head(editor: EditorState, outcome: Arc<TestReport>) -> impl IntoView {
    let all = outcome.results.len();
    let passed = outcome.results.iter().filter(|result| result.passed == Some(true)).count();
    let (tone, sign) = if passed == all { (Tone::Good, "✓") } else { (Tone::Bad, "✕") };
    let tested = outcome.rules - outcome.untested.len();
    let untested = outcome.untested.clone();
    let more = untested.len().saturating_sub(SHOWN);
    view! {
        <div class="tests-head">
            {(all > 0).then(|| view! { <Chip tone=tone sign=sign>{format!("{passed} of {all} pass")}</Chip> })}
            <details class="tests-coverage">
                <summary>{format!("{tested} of {} are decided by a test", format::plural(outcome.rules as u64, "rule", "rules"))}</summary>
                <p>
                    {(!untested.is_empty()).then_some("No test is decided by: ")}
                    {untested
                        .into_iter()
                        .take(SHOWN)
                        .map(|id| view! { <RuleLink editor=editor id=id /> " " })
                        .collect_view()}
                    {(more > 0).then(|| format!("and {more} more"))}
                </p>
            </details>
        </div>
    }
}

fn test_table(editor: EditorState, tests: TestCaseList, list: &[Case], outcome: &TestReport) -> AnyView {
    if outcome.results.is_empty() {
        return view! {
            <EmptyState title="No test cases yet">
                <p>"A test case is an input with the effect you expect. Keep one under One input, or accept proposed ones."</p>
            </EmptyState>
        }
        .into_any();
    }
    let mut order: Vec<&CaseResult> = outcome.results.iter().collect();
    order.sort_by_key(|result| result.passed != Some(false));
    let more = order.len().saturating_sub(SHOWN);
    let rows = order
        .into_iter()
        .take(SHOWN)
        .filter_map(|result| {
            let case = list.iter().find(|case| case.case_id == result.case_id)?.clone();
            Some(view! { <TestRow editor=editor tests=tests case=case result=result.clone() /> })
        })
        .collect_view();
    view! {
        <Table label="Test cases">
            <thead>
                <tr>
                    <th scope="col">"Test case"</th>
                    <th scope="col">"Input"</th>
                    <th scope="col">"Expected"</th>
                    <th scope="col">"Answer"</th>
                    <th scope="col">"Result"</th>
                    <th scope="col"><span class="visually-hidden">"Change"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
        {(more > 0).then(|| view! { <p class="muted dock-none">{format!("and {more} more")}</p> })}
    }
    .into_any()
}

#[component]
fn TestRow(editor: EditorState, tests: TestCaseList, case: Case, result: CaseResult) -> impl IntoView {
    let passed = result.passed == Some(true);
    let input = case.input();
    let id = case.case_id.clone();
    let removed = id.clone();
    let accepted = Case { expected_effect: Some(result.effect), ..case.clone() };
    view! {
        <tr>
            <td>
                <button type="button" class="link-button" title="Open under One input" on:click=move |_| editor.try_input(input.clone())>
                    {crate::labels::outside(&case.case_id)}
                </button>
            </td>
            <td>
                {crate::labels::outside(&case.agent)} " · " {crate::labels::outside(&case.action)}
                <span class="flip-facts mono muted">{gist(&case.context)}</span>
            </td>
            <td>{case.expected_effect.map(|effect| view! { <EffectBadge effect=effect /> })}</td>
            <td>
                <EffectBadge effect=result.effect no_match=result.matched_rule.is_none() />
            </td>
            <td>
                {if passed {
                    view! { <Chip tone=Tone::Good sign="✓">"passes"</Chip> }
                } else {
                    view! { <Chip tone=Tone::Bad sign="✕">"fails"</Chip> }
                }}
            </td>
            <td class="tests-actions">
                {editor
                    .document
                    .may_edit()
                    .then(|| {
                        view! {
                            {(!passed)
                                .then(|| {
                                    view! {
                                        <Button
                                            small=true
                                            pending=tests.pending()
                                            attr:title="From now on this answer is what is expected"
                                            on_click=move |_| tests.change(editor, vec![accepted.clone()], Vec::new())
                                        >
                                            "Expect the answer"
                                        </Button>
                                    }
                                })}
                            <Button
                                small=true
                                kind=ButtonKind::Ghost
                                pending=tests.pending()
                                attr:aria-label=format!("Remove {id}")
                                on_click=move |_| tests.change(editor, Vec::new(), vec![removed.clone()])
                            >
                                "Remove"
                            </Button>
                        }
                    })}
            </td>
        </tr>
    }
}

/// The form that saves the input under *One input* as a test case with an expected effect.
#[component]
pub fn SaveTestForm(editor: EditorState, tests: TestCaseList, input: Input, answer: Effect) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let expected = RwSignal::new(answer);
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let name = name.get_untracked().trim().to_owned();
        if name.is_empty() {
            return;
        }
        let Input { agent, action, context } = input.clone();
        let case = Case { case_id: name, agent, action, context, expected_effect: Some(expected.get_untracked()) };
        tests.change(editor, vec![case], Vec::new());
    };
    view! {
        <form class="keep-test" on:submit=save>
            <input
                class="input input-small"
                aria-label="Name of the test case"
                placeholder="Keep as test case: name…"
                maxlength="120"
                required
                prop:value=name
                on:input=move |event| name.set(event_target_value(&event))
            />
            <select
                class="input input-small"
                aria-label="Expected effect"
                prop:value=move || expected.get().name()
                on:change=move |event| {
                    let chosen = event_target_value(&event);
                    expected.set(Effect::ALL.into_iter().find(|effect| effect.name() == chosen).unwrap_or(answer));
                }
            >
                {Effect::ALL
                    .into_iter()
                    .map(|effect| {
                        view! {
                            <option value=effect.name() selected=effect == answer>
                                {format!("expect {}", effect_words(effect))}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
            <Button small=true submit=true pending=tests.pending()>"Save test case"</Button>
        </form>
    }
}
