//! Fields of the rule form that the kit does not have: numbers with a unit, and lists of tokens.

use leptos::prelude::*;
use serde_json::Value;

use crate::{
    components::Field,
    editor::{
        condition::{Kind, plain, split_list},
        rule::read_number,
    },
};

/// A number with its unit. What is not a number stays in the field and is not taken over.
#[component]
pub fn NumberField(
    label: &'static str,
    id: &'static str,
    unit: &'static str,
    value: Memo<Option<Value>>,
    #[prop(into)] on_value: Callback<Option<Value>>,
) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let bad = RwSignal::new(false);
    Effect::new(move |_| follow(value.get(), text, bad));
    let error = Signal::derive(move || bad.get().then(|| "Not a number".to_owned()));
    view! {
        <Field label=label id=id error=error>
            <span class="input-unit">
                <input
                    class="input num"
                    id=id
                    type="text"
                    inputmode="decimal"
                    autocomplete="off"
                    aria-invalid=move || bad.get().then_some("true")
                    prop:value=text
                    on:input=move |event| type_number(&event, text, bad, on_value)
                />
                <span class="unit" aria-hidden="true">{unit}</span>
            </span>
        </Field>
    }
}

/// Shows `value` unless what stands in the field says the same already.
pub fn follow(value: Option<Value>, text: RwSignal<String>, bad: RwSignal<bool>) {
    let same = text.with_untracked(|text| read_number(text) == Ok(value.clone()));
    if !same {
        text.set(value.as_ref().map(plain).unwrap_or_default());
        bad.set(false);
    }
}

/// Takes over what was typed when it is a number, or nothing.
pub fn type_number(
    event: &leptos::ev::Event,
    text: RwSignal<String>,
    bad: RwSignal<bool>,
    take: Callback<Option<Value>>,
) {
    let typed = event_target_value(event);
    let read = read_number(&typed);
    text.set(typed);
    bad.set(read.is_err());
    if let Ok(value) = read {
        take.run(value);
    }
}

/// A list of values, each a token that can be removed. Enter, comma or leaving the field adds what was typed.
#[component]
pub fn Tokens(
    /// Accessible name of the input.
    #[prop(into)]
    label: String,
    #[prop(optional, into)] id: Option<String>,
    #[prop(into)] items: Signal<Vec<Value>>,
    #[prop(into)] on_items: Callback<Vec<Value>>,
    /// The kind values are read as; guessed when absent.
    #[prop(optional)]
    kind: Option<Kind>,
    /// A `<datalist>` to complete from.
    #[prop(optional)]
    list: Option<String>,
) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let add = move || {
        let typed = split_list(&text.get_untracked(), kind);
        if !typed.is_empty() {
            let mut all = items.get_untracked();
            all.extend(typed.into_iter().filter(|value| !items.with_untracked(|items| items.contains(value))));
            on_items.run(all);
        }
        text.set(String::new());
    };
    let key = move |event: leptos::ev::KeyboardEvent| match event.key().as_str() {
        "Enter" | "," => {
            event.prevent_default();
            add();
        }
        "Backspace" if text.with_untracked(String::is_empty) => {
            let mut all = items.get_untracked();
            if all.pop().is_some() {
                on_items.run(all);
            }
        }
        _ => {}
    };
    view! {
        <span class="tokens">
            {move || {
                items
                    .get()
                    .into_iter()
                    .enumerate()
                    .map(|(at, item)| {
                        let words = plain(&item);
                        let remove = move |_| {
                            let mut all = items.get_untracked();
                            if at < all.len() {
                                all.remove(at);
                            }
                            on_items.run(all);
                        };
                        view! {
                            <span class="token">
                                {words.clone()}
                                <button type="button" aria-label=format!("Remove {words}") on:click=remove>"✕"</button>
                            </span>
                        }
                    })
                    .collect_view()
            }}
            <input
                class="token-input"
                id=id
                type="text"
                autocomplete="off"
                spellcheck="false"
                aria-label=label
                list=list
                prop:value=text
                on:input=move |event| text.set(event_target_value(&event))
                on:keydown=key
                on:blur=move |_| add()
            />
        </span>
    }
}

/// [`Tokens`] with a label above.
#[component]
pub fn TokensField(
    label: &'static str,
    id: &'static str,
    hint: &'static str,
    #[prop(into)] items: Signal<Vec<Value>>,
    #[prop(into)] on_items: Callback<Vec<Value>>,
) -> impl IntoView {
    view! {
        <Field label=label id=id hint=hint>
            <Tokens label=label id=id items=items on_items=on_items kind=Kind::Text />
        </Field>
    }
}
