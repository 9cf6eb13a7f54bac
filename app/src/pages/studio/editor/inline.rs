//! What can be edited in the table itself: a rule's priority and its effect. Everything else is in the form.

use leptos::prelude::*;
use policy::bundle::Effect;

use super::state::EditorState;
use crate::{
    components::effect_words,
    model::{Edit, Key, rule},
};

/// The priority; a number field that looks like text until it is used.
#[component]
pub fn Priority(desk: EditorState, rule_key: Key, name: Memo<String>, value: Memo<String>) -> impl IntoView {
    if !desk.editable {
        return view! { <span>{value}</span> }.into_any();
    }
    let change = move |event: leptos::ev::Event| {
        let typed = event_target_value(&event);
        let wanted = typed.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        match wanted {
            Some(number) => {
                let value = Some(rule::priority_value(number));
                desk.act(&Edit::Set { key: rule_key, field: "priority", value });
                desk.reveal.set(Some(rule_key));
            }
            None => desk.toasts().note("A priority is a number from 0 to 1000."),
        }
    };
    view! {
        <input
            class="rule-inline"
            type="number"
            min="0"
            max="1000"
            step="1"
            aria-label=move || format!("Priority of {}", name.get())
            prop:value=value
            on:change=change
        />
    }
    .into_any()
}

/// The effect; a list that lies over the badge.
#[component]
pub fn EffectOf(desk: EditorState, rule_key: Key, name: Memo<String>, value: Memo<String>) -> impl IntoView {
    let change = move |event: leptos::ev::Event| {
        let value = Some(event_target_value(&event).into());
        desk.act(&Edit::Set { key: rule_key, field: "effect", value });
    };
    desk.editable.then(|| {
        view! {
            <select
                class="rule-effect-choice"
                aria-label=move || format!("Effect of {}", name.get())
                prop:value=value
                on:change=change
            >
                {Effect::ALL
                    .into_iter()
                    .map(|effect| {
                        view! {
                            <option value=effect.name() selected=move || value.get() == effect.name()>
                                {effect_words(effect)}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
        }
    })
}
