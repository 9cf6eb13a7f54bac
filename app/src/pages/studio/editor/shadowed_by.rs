//! Who takes part of what a rule matches, each with an input that shows it. That is no fault, so it is told when it is asked
//! for, in the *Rule* tab.

use leptos::prelude::*;
use policy::analysis::{Meter, Shadow, shadow};

use super::{rule_link::RuleLink, state::EditorState};
use crate::{
    components::facts::gist,
    model::{Content, Key, rule},
};

/// Work units for one rule, a fraction of a second.
const WORK: u64 = 4_000_000;
/// Work units for each rule before it.
const WORK_EACH: u64 = 200_000;

/// The question, and its answer for the draft as it stands.
#[component]
pub fn GivesWay(desk: EditorState, rule_key: Key) -> impl IntoView {
    let told = RwSignal::new(None::<(Content, Option<Shadow>)>);
    let ask = move |_| {
        let content = desk.content.get_untracked();
        let id = content.rule(rule_key).map(|written| rule::id(written).to_owned()).unwrap_or_default();
        let bundle = content.to_source().parse_rules().bundle;
        let shadow = shadow(&bundle, &id, Meter::new(WORK, WORK_EACH));
        told.set(Some((content, shadow)));
    };
    move || match told.get().filter(|(content, _)| desk.content.with(|now| now == content)) {
        None => view! {
            <div class="coverage">
                <button type="button" class="link-button" on:click=ask>
                    "Which rules take part of it?"
                </button>
            </div>
        }
        .into_any(),
        Some((_, None)) => {
            view! { <p class="coverage muted">"A rule that is disabled or has errors gives way to nobody."</p> }
                .into_any()
        }
        Some((_, Some(shadow))) => answer(desk, shadow),
    }
}

fn answer(desk: EditorState, shadow: Shadow) -> AnyView {
    let none = shadow.by.is_empty();
    let incomplete = (!shadow.complete).then_some("There may be more: the work budget ran out.");
    let taken = shadow.by.into_iter().map(|meeting| {
        let input = meeting.witness;
        let example = gist(&input.context);
        view! {
            <li>
                <RuleLink desk=desk id=meeting.first />
                <span class="muted">" decides, for example, "</span>
                <span class="mono">{example}</span>
                " "
                <button type="button" class="link-button" on:click=move |_| desk.try_input(input.clone())>
                    "Try it"
                </button>
            </li>
        }
    });
    view! {
        <div class="coverage" role="group" aria-label="Gives way to">
            <p class="muted">
                {if none { "No rule before it takes any of what it matches." } else { "Gives way where a rule before it decides" }}
            </p>
            <ul>{taken.collect_view()}</ul>
            {incomplete.map(|words| view! { <p class="muted">{words}</p> })}
        </div>
    }
    .into_any()
}
