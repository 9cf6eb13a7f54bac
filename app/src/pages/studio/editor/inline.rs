//! The fields that are edited in the table itself: a rule's priority and effect. All other fields are in the form.

use leptos::prelude::*;
use policy::bundle::Effect;

use super::state::EditorState;
use crate::{
    components::effect_words,
    model::{Edit, RuleKey, rule},
};

/// The priority: a number field that looks like text until it has the focus.
#[component]
pub fn Priority(editor: EditorState, rule_key: RuleKey, name: Memo<String>, value: Memo<String>) -> impl IntoView {
    if !editor.document.is_editable() {
        return view! { <span>{value}</span> }.into_any();
    }
    let change = move |event: leptos::ev::Event| {
        let typed = event_target_value(&event);
        let wanted = typed.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        match wanted {
            Some(number) => {
                let value = Some(rule::priority_value(number));
                editor.document.edit(&Edit::Set { key: rule_key, field: "priority", value });
                editor.selection.reveal(rule_key);
            }
            None => editor.toasts().note("A priority is a number from 0 to 1000."),
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

/// The effect: a list that lies over the badge.
#[component]
pub fn EffectSelect(editor: EditorState, rule_key: RuleKey, name: Memo<String>, value: Memo<String>) -> impl IntoView {
    let change = move |event: leptos::ev::Event| {
        let value = Some(event_target_value(&event).into());
        editor.document.edit(&Edit::Set { key: rule_key, field: "effect", value });
    };
    editor.document.is_editable().then(|| {
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
