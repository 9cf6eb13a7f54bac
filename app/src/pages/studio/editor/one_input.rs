//! The *One input* tab: the draft's answer to one input, how it was found, and what would change the answer.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_query_map;
use policy::engine::{
    Input, Status,
    trace::{ConditionResult, RuleResult, RuleTrace},
};
use serde_json::{Map, Value};
use worker::Request;

use super::{
    state::{DockTab, EditorState, parsed_draft::SharedDraft},
    test_case_list::TestCaseList,
    test_cases::SaveTestForm,
    why_not::WhyNotView,
    worker_client,
};
use crate::{
    api::decisions,
    components::{Button, Chip, EffectBadge, ExternalText, Field, TextInput, Tone, value_words},
    model::text,
};

/// Maximum number of rules drawn in the trace, which has only rules for the agent and action of the input.
const SHOWN: usize = 50;

/// Opens the input of the decision that the URL names, in place of the first case.
pub fn open_linked_decision(editor: EditorState) {
    let query = use_query_map();
    Effect::new(move |_| {
        let Some(id) = query.read().get("decision") else { return };
        editor.panes.await_input();
        spawn_local(async move {
            match decisions::decision_input(id).await {
                Ok(input) => editor.try_input(input),
                Err(error) => editor.toasts().bad(&error),
            }
        });
    });
}

/// The form and the answer.
#[component]
pub fn OneInput(editor: EditorState, cases: Memo<Option<usize>>, tests: TestCaseList) -> impl IntoView {
    let agent = RwSignal::new(String::new());
    let action = RwSignal::new(String::new());
    let context = RwSignal::new("{}".to_owned());
    let next = StoredValue::new(0_usize);

    let take_next_case = move || {
        worker_client::request(Request::Case(next.get_value()), None);
        next.update_value(|next| *next += 1);
    };
    // Start with the first case, so that there is something to look at.
    Effect::new(move |_| {
        let nothing =
            !editor.panes.is_awaiting_input() && editor.panes.input().with_untracked(|asked| asked.agent.is_empty());
        if cases.get().is_some() && nothing {
            take_next_case();
        }
    });
    Effect::new(move |_| {
        let input = editor.panes.input().get();
        agent.set(input.agent);
        action.set(input.action);
        context.set(serde_json::to_string_pretty(&input.context).unwrap_or_default());
    });
    let facts = Memo::new(move |_| -> Result<Map<String, Value>, String> {
        match context.with(|text| text::parse(text)) {
            Ok(Value::Object(facts)) => Ok(facts),
            Ok(_) => Err("The context is a JSON object: { \"risk_score\": 87 }".to_owned()),
            Err(why) => Err(why.to_string()),
        }
    });
    let error = Signal::derive(move || facts.get().err());
    let answer = move || {
        // The input is evaluated only while the tab is open.
        if editor.panes.dock().get() != DockTab::OneInput {
            return ().into_any();
        }
        let Some(draft) = editor.results.draft().get() else {
            return view! { <p class="muted">"The draft is being read…"</p> }.into_any();
        };
        let Ok(facts) = facts.get() else {
            return view! { <p class="muted">"Write the context as JSON to get an answer."</p> }.into_any();
        };
        let input = Input { agent: agent.get(), action: action.get(), context: facts };
        explained_answer(editor, tests, &draft, &input)
    };
    view! {
        <div class="one-input">
            <div class="one-input-form">
                <div class="field-pair">
                    <TextInput label="Agent" name="one-agent" value=agent />
                    <TextInput label="Action" name="one-action" value=action />
                </div>
                <Field label="Context (JSON)" id="one-context" error=error>
                    <textarea
                        class="input mono"
                        id="one-context"
                        rows="6"
                        spellcheck="false"
                        prop:value=context
                        on:input=move |event| context.set(event_target_value(&event))
                    ></textarea>
                </Field>
                <Button small=true on_click=move |_| take_next_case()>"Take the next case"</Button>
            </div>
            {answer}
        </div>
    }
}

/// The draft's answer, its explanation, and what would change the answer.
fn explained_answer(editor: EditorState, tests: TestCaseList, draft: &SharedDraft, input: &Input) -> AnyView {
    let answer = draft.prepared().decide(input);
    let trace = draft.prepared().trace(input);
    let stable = editor.results.stable();
    let before = stable.map(|stable| (stable.version.clone(), stable.prepared().verdict(input.into()).effect));
    let changed = before.filter(|(_, before)| *before != answer.effect);
    view! {
        <div class="answer">
            <p class="answer-head">
                <EffectBadge effect=answer.effect no_match=answer.status == Status::NoMatch />
                {(answer.status == Status::Error).then(|| view! { <Chip tone=Tone::Bad sign="✕">"error"</Chip> })}
                <strong class="mono">{answer.matched_rule.clone().unwrap_or_else(|| "default".to_owned())}</strong>
                {changed
                    .map(|(version, before)| {
                        view! { <span class="muted">{format!("stable {version} answers ")}</span> <EffectBadge effect=before /> }
                    })}
            </p>
            <p><ExternalText text=answer.reason /></p>
            <WhyNotView editor=editor draft=draft.clone() input=input.clone() now=answer.effect />
            {editor.document.may_edit().then(|| view! { <SaveTestForm editor=editor tests=tests input=input.clone() answer=answer.effect /> })}
            <Trace trace=trace />
        </div>
    }
    .into_any()
}

/// The rules that were evaluated, in order, with the result of each condition.
#[component]
fn Trace(trace: Vec<RuleTrace>) -> impl IntoView {
    let evaluated: Vec<RuleTrace> = trace.into_iter().filter(|rule| rule.result != RuleResult::NotAddressed).collect();
    let left = evaluated.len().saturating_sub(SHOWN);
    let rows = evaluated
        .into_iter()
        .take(SHOWN)
        .map(|rule| {
            let (sign, words, tone) = match rule.result {
                RuleResult::Matched => ("✓", "decides", Tone::Good),
                RuleResult::Error => ("✕", "in error", Tone::Bad),
                RuleResult::Passed | RuleResult::NotAddressed => ("○", "does not match", Tone::Neutral),
            };
            let conditions = rule
                .conditions
                .into_iter()
                .map(|condition| {
                    let (class, sign) = match condition.result {
                        ConditionResult::True => ("trace-true", "✓"),
                        ConditionResult::False => ("trace-false", "✕"),
                        ConditionResult::Error => ("trace-error", "!"),
                    };
                    let saw = if condition.saw.is_null() { "absent".to_owned() } else { value_words(&condition.saw) };
                    view! {
                        <span class=format!("trace-condition {class}")>
                            <span aria-hidden="true">{sign}</span>
                            " "
                            <code>{crate::labels::outside(&condition.text)}</code>
                            <span class="muted">{format!(" saw {saw}")}</span>
                        </span>
                    }
                })
                .collect_view();
            view! {
                <li class="trace-rule">
                    <Chip tone=tone sign=sign>{words}</Chip>
                    <strong class="mono">{crate::labels::outside(&rule.rule)}</strong>
                    {conditions}
                </li>
            }
        })
        .collect_view();
    view! {
        <ol class="trace" aria-label="Rules asked">
            {rows}
            {(left > 0).then(|| view! { <li class="muted">{format!("and {left} more")}</li> })}
        </ol>
    }
}
