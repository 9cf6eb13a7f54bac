//! Saved test cases: what the author expects of certain inputs, and whether the draft answers so.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use policy::{
    bundle::Effect,
    engine::Input,
    replay::{Case, CaseResult},
};
use worker::{Request, TestReport};

use super::{boundary_cases::Proposed, rule_link::RuleLink, state::EditorState, worker_client};
use crate::{
    api::bundles,
    components::{Button, ButtonKind, Chip, EffectBadge, EmptyState, Skeleton, Table, Tone, facts::gist, format},
};

/// Rows drawn of each list; the rest is counted.
const SHOWN: usize = 200;

/// The test cases of the workspace. Copies are handles to the same.
#[derive(Debug, Clone, Copy)]
pub struct Tests {
    /// All cases, those with an expectation and those without; none while they are fetched.
    pub(super) list: RwSignal<Option<Arc<Vec<Case>>>>,
    /// Whether a change is on its way to the server.
    pending: RwSignal<bool>,
}

impl Tests {
    /// Fetches the test cases, and runs them whenever the draft changes.
    pub fn new(desk: EditorState) -> Self {
        let tests = Self { list: RwSignal::new(None), pending: RwSignal::new(false) };
        leptos::prelude::Effect::new(move |_| {
            spawn_local(async move {
                if let Ok(cases) = bundles::fixtures().await {
                    tests.list.try_set(Some(Arc::new(cases)));
                }
            });
        });
        leptos::prelude::Effect::new(move |_| {
            let session = desk.sessions.get();
            let Some(list) = tests.list.get().filter(|_| session > 0) else { return };
            let expecting = list.iter().filter(|case| case.expected_effect.is_some()).cloned().collect();
            worker_client::ask(Request::Tests(expecting), None);
        });
        tests
    }

    /// How many test cases there are.
    pub fn count(self, desk: EditorState) -> Option<usize> {
        desk.tested.with(|tested| tested.as_ref().map(|tested| tested.results.len()))
    }

    /// Keeps `save` and forgets `remove`, for everybody.
    pub fn change(self, desk: EditorState, save: Vec<Case>, remove: Vec<String>) {
        let what = match (save.as_slice(), remove.len()) {
            ([one], 0) => format!("Test case “{}” is kept.", one.case_id),
            (several, 0) => format!("{} are kept.", format::plural(several.len() as u64, "test case", "test cases")),
            _ => "The test case is removed.".to_owned(),
        };
        self.pending.set(true);
        spawn_local(async move {
            match bundles::keep_cases(save, remove).await {
                Ok(cases) => {
                    self.list.try_set(Some(Arc::new(cases)));
                    desk.toasts().good(what);
                }
                Err(error) => desk.toasts().bad(&error),
            }
            self.pending.try_set(false);
        });
    }

    /// Whether a change is on its way.
    pub fn pending(self) -> RwSignal<bool> {
        self.pending
    }
}

/// The *Test cases* tab.
#[component]
pub fn TestCases(desk: EditorState, tests: Tests) -> impl IntoView {
    // What is proposed outlives the answers of the server, so it stands beside what is drawn anew.
    view! {
        <div class="tests">
            {move || desk.tested.get().map(|outcome| view! { <Head desk=desk outcome=outcome /> })}
            {desk.may_edit.then(|| view! { <Proposed desk=desk tests=tests /> })}
            {move || match (tests.list.get(), desk.tested.get()) {
                (Some(list), Some(outcome)) => listed(desk, tests, &list, &outcome),
                _ => view! { <div class="dock-wait"><Skeleton lines=3 /></div> }.into_any(),
            }}
        </div>
    }
}

/// How many pass, which rules have no test, and the way to more.
#[component]
fn Head(desk: EditorState, outcome: Arc<TestReport>) -> impl IntoView {
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
                        .map(|id| view! { <RuleLink desk=desk id=id /> " " })
                        .collect_view()}
                    {(more > 0).then(|| format!("and {more} more"))}
                </p>
            </details>
        </div>
    }
}

fn listed(desk: EditorState, tests: Tests, list: &[Case], outcome: &TestReport) -> AnyView {
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
            Some(view! { <Row desk=desk tests=tests case=case result=result.clone() /> })
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
fn Row(desk: EditorState, tests: Tests, case: Case, result: CaseResult) -> impl IntoView {
    let passed = result.passed == Some(true);
    let input = case.input();
    let id = case.case_id.clone();
    let removed = id.clone();
    let adopted = Case { expected_effect: Some(result.effect), ..case.clone() };
    view! {
        <tr>
            <td>
                <button type="button" class="link-button" title="Open under One input" on:click=move |_| desk.try_input(input.clone())>
                    {case.case_id.clone()}
                </button>
            </td>
            <td>
                {case.agent} " · " {case.action}
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
                {desk
                    .may_edit
                    .then(|| {
                        view! {
                            {(!passed)
                                .then(|| {
                                    view! {
                                        <Button
                                            small=true
                                            pending=tests.pending()
                                            attr:title="From now on this answer is what is expected"
                                            on_click=move |_| tests.change(desk, vec![adopted.clone()], Vec::new())
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
                                on_click=move |_| tests.change(desk, Vec::new(), vec![removed.clone()])
                            >
                                "Remove"
                            </Button>
                        }
                    })}
            </td>
        </tr>
    }
}

/// Keeps the question under *One input* with the effect that is expected.
#[component]
pub fn KeepTest(desk: EditorState, tests: Tests, input: Input, answer: Effect) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let expected = RwSignal::new(answer);
    let keep = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let name = name.get_untracked().trim().to_owned();
        if name.is_empty() {
            return;
        }
        let Input { agent, action, context } = input.clone();
        let case = Case { case_id: name, agent, action, context, expected_effect: Some(expected.get_untracked()) };
        tests.change(desk, vec![case], Vec::new());
    };
    view! {
        <form class="keep-test" on:submit=keep>
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
                                {format!("expect {}", crate::components::effect_words(effect))}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
            <Button small=true submit=true pending=tests.pending()>"Save test case"</Button>
        </form>
    }
}
