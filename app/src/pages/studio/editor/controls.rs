//! Fields of the rule form that `components` does not have: numbers with a unit, and lists of tokens.

use leptos::prelude::*;
use serde_json::Value;

use crate::{
    components::Field,
    labels,
    model::{
        condition::{ValueKind, plain_text, split_list},
        rule::read_number,
    },
};

/// A number with its unit. Text that is not a number stays in the field and does not reach the document.
#[component]
pub fn NumberField(
    label: &'static str,
    id: &'static str,
    unit: &'static str,
    value: Memo<Option<Value>>,
    #[prop(into)] on_value: Callback<Option<Value>>,
) -> impl IntoView {
    let typed = TypedNumber::new();
    Effect::new(move |_| typed.follow(value.get()));
    view! {
        <Field label=label id=id error=typed.error>
            <span class="input-unit">
                <input
                    class="input num"
                    id=id
                    type="text"
                    inputmode="decimal"
                    autocomplete="off"
                    aria-invalid=move || typed.error.read().is_some().then_some("true")
                    prop:value=typed.text
                    on:focus=move |_| typed.begin(value.get_untracked())
                    on:input=move |event| typed.typed(&event, false, |value| on_value.run(value))
                />
                <span class="unit" aria-hidden="true">{unit}</span>
            </span>
        </Field>
    }
}

/// A number while it is typed. Text that is a number reaches the document at once. While the text is not a number, the
/// value from before the typing is restored, so that typing `8x` over 85 leaves 85 and not 8.
#[derive(Clone, Copy)]
pub struct TypedNumber {
    /// The text in the field.
    pub text: RwSignal<String>,
    /// The error in the text.
    pub error: RwSignal<Option<String>>,
    before: RwSignal<Option<Value>>,
}

impl TypedNumber {
    /// An empty field.
    pub fn new() -> Self {
        Self { text: RwSignal::new(String::new()), error: RwSignal::new(None), before: RwSignal::new(None) }
    }

    /// Shows `value`, unless the text already means that value, or is wrong and `value` was restored in its place.
    pub fn follow(self, value: Option<Value>) {
        let same = self.text.with_untracked(|text| read_number(text) == Ok(value.clone()));
        let put_back =
            self.error.with_untracked(Option::is_some) && self.before.with_untracked(|before| *before == value);
        if !same && !put_back {
            self.show(value.as_ref().map(plain_text).unwrap_or_default(), None);
        }
    }

    /// Shows a text, and its error.
    pub fn show(self, text: String, error: Option<String>) {
        self.text.set(text);
        self.error.set(error);
    }

    /// Remembers `value` when the field gets the focus.
    pub fn begin(self, value: Option<Value>) {
        self.before.set(value);
    }

    /// Handles typing. An empty field means no value, which is an error when a value is required.
    pub fn typed(self, event: &leptos::ev::Event, required: bool, take: impl Fn(Option<Value>)) {
        let typed = event_target_value(event);
        let before = self.before.get_untracked();
        let (error, value) = match read_number(&typed) {
            Ok(None) if required => (Some("A number is missing".to_owned()), before),
            Ok(value) => (None, value),
            Err(_) => (Some(format!("`{}` is not a number", typed.trim())), before),
        };
        let stands = value.as_ref().map(plain_text).filter(|_| error.is_some());
        let error = error.map(|what| match stands {
            Some(stands) => labels::unticked(&format!("{what}; the rule still says {stands}.")),
            None => labels::unticked(&format!("{what}.")),
        });
        self.show(typed, error);
        take(value);
    }
}

/// A list of values, each a token that can be removed. Enter, comma or leaving the field adds the typed text.
#[component]
pub fn Tokens(
    /// Accessible name of the input.
    #[prop(into)]
    label: String,
    #[prop(optional, into)] id: Option<String>,
    #[prop(into)] items: Signal<Vec<Value>>,
    #[prop(into)] on_items: Callback<Vec<Value>>,
    /// The kind that values are read as; guessed if absent.
    #[prop(optional)]
    kind: Option<ValueKind>,
    /// The id of a `<datalist>` for completion.
    #[prop(optional_no_strip)]
    list: Option<&'static str>,
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
                        let words = plain_text(&item);
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
    /// The id of a `<datalist>` for completion.
    #[prop(optional)]
    list: Option<&'static str>,
) -> impl IntoView {
    view! {
        <Field label=label id=id hint=hint>
            <Tokens label=label id=id items=items on_items=on_items kind=ValueKind::Text list=list />
        </Field>
    }
}
