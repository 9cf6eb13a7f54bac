//! The rules that shadow a rule: they are evaluated before it and decide part of its inputs; each is shown with an
//! example. Shadowing is not a fault, so the answer is computed on request, in the *Rule* tab.

use leptos::prelude::*;
use policy::analysis::Shadow;
use worker::{Question, Response};

use super::{rule_link::RuleLink, state::EditorState, worker_client};
use crate::{
    components::facts::gist,
    model::{Content, RuleKey, rule},
};

/// The question, and its answer for the current draft.
#[component]
pub fn ShadowedBy(editor: EditorState, rule_key: RuleKey) -> impl IntoView {
    let answer = RwSignal::new(None::<(Content, Option<Shadow>)>);
    let compute = move |_| {
        let content = editor.document.content().get_untracked();
        let id = content.rule(rule_key).map(|rule| rule::id(rule).to_owned()).unwrap_or_default();
        let on_answer = move |given| {
            if let Response::Shadow(shadow) = given {
                // Does nothing when the rule was closed meanwhile.
                let _ = answer.try_set(Some((content.clone(), shadow)));
            }
        };
        worker_client::ask(Question::Shadow(id), Callback::new(on_answer));
    };
    move || match answer.get().filter(|(content, _)| editor.document.content().with(|now| now == content)) {
        None => view! {
            <div class="coverage">
                <button type="button" class="link-button" on:click=compute>
                    "Which rules shadow this one?"
                </button>
            </div>
        }
        .into_any(),
        Some((_, None)) => {
            view! { <p class="coverage muted">"A rule that is disabled or has errors is not shadowed."</p> }.into_any()
        }
        Some((_, Some(shadow))) => shadowing_rules(editor, shadow),
    }
}

fn shadowing_rules(editor: EditorState, shadow: Shadow) -> AnyView {
    let none = shadow.by.is_empty();
    let incomplete = (!shadow.complete).then_some("There may be more: the work budget ran out.");
    let rules = shadow.by.into_iter().map(|meeting| {
        let input = meeting.witness;
        let example = gist(&input.context);
        view! {
            <li>
                <RuleLink editor=editor id=meeting.first />
                <span class="muted">" decides, for example, "</span>
                <span class="mono">{example}</span>
                " "
                <button type="button" class="link-button" on:click=move |_| editor.try_input(input.clone())>
                    "Try it"
                </button>
            </li>
        }
    });
    view! {
        <div class="coverage" role="group" aria-label="Shadowed by">
            <p class="muted">
                {if none { "No rule before it decides anything that it matches." } else { "Shadowed where a rule before it decides" }}
            </p>
            <ul>{rules.collect_view()}</ul>
            {incomplete.map(|words| view! { <p class="muted">{words}</p> })}
        </div>
    }
    .into_any()
}
