//! Form fields: label, control, hint and error, tied together for assistive technology.
//!
//! Every control has a `name`, so that it also works in a plain form post. Its id is `field-<name>` unless `id` is
//! given (needed when two forms of a page use the same name).

use leptos::prelude::*;

/// Ids of the elements that make up a field.
fn ids(id: Option<String>, name: &str) -> (String, String, String) {
    let id = id.unwrap_or_else(|| format!("field-{name}"));
    (format!("{id}-hint"), format!("{id}-error"), id)
}

/// What stands in a control: what its signal keeps, else what stood in it at first. (A property set to nothing would
/// read `undefined`.)
fn shown(value: Option<RwSignal<String>>, first: &str) -> String {
    value.map_or_else(|| first.to_owned(), |value| value.get())
}

/// Label above, control, then hint and error below. The building block of the fields in this file; use it around a
/// control of your own, which must carry `id`.
#[component]
pub fn Field(
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// The control's id.
    #[prop(into)]
    id: String,
    /// How to answer.
    #[prop(optional, into)]
    hint: MaybeProp<String>,
    /// What is wrong with the answer.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// Show the label to screen readers only.
    #[prop(optional)]
    quiet: bool,
    children: Children,
) -> impl IntoView {
    let (hint_id, error_id, id) = ids(Some(id), "");
    view! {
        <div class="field" class:has-error=move || error.read().is_some()>
            <label for=id class:visually-hidden=quiet>
                {label}
            </label>
            {children()}
            {hint
                .get_untracked()
                .map(|hint| {
                    view! {
                        <p class="field-hint" id=hint_id>
                            {hint}
                        </p>
                    }
                })}
            <p class="field-error" id=error_id aria-live="polite">
                {move || error.get()}
            </p>
        </div>
    }
}

/// One line of text.
#[component]
pub fn TextInput(
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// Its name in the form.
    #[prop(into)]
    name: String,
    /// `text`, `email`, `password`, `number`, `search`, …
    #[prop(default = "text")]
    kind: &'static str,
    /// Keeps what is typed.
    #[prop(optional)]
    value: Option<RwSignal<String>>,
    /// What stands in it at first, without a `value`.
    #[prop(optional, into)]
    initial: Option<String>,
    /// How to answer.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong with the answer.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// An example, in grey.
    #[prop(optional, into)]
    placeholder: Option<String>,
    /// Must be filled in.
    #[prop(optional)]
    required: bool,
    /// Cannot be changed now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// What the browser may fill in.
    #[prop(optional)]
    autocomplete: Option<&'static str>,
    /// Step of a number.
    #[prop(optional)]
    step: Option<&'static str>,
    /// Smallest number.
    #[prop(optional)]
    min: Option<&'static str>,
    /// See the module.
    #[prop(optional, into)]
    id: Option<String>,
    /// Show the label to screen readers only.
    #[prop(optional)]
    quiet: bool,
) -> impl IntoView {
    let (hint_id, error_id, id) = ids(id, &name);
    let described = if hint.is_some() { format!("{hint_id} {error_id}") } else { error_id };
    let first = value.map(|value| value.get_untracked()).or(initial);
    let kept = first.clone().unwrap_or_default();
    view! {
        <Field label=label id=id.clone() hint=hint error=error quiet=quiet>
            <input
                class="input"
                id=id
                name=name
                type=kind
                value=first
                placeholder=placeholder
                required=required
                disabled=disabled
                autocomplete=autocomplete
                step=step
                min=min
                aria-describedby=described
                aria-invalid=move || error.read().is_some().then_some("true")
                prop:value=move || shown(value, &kept)
                on:input=move |event| {
                    if let Some(value) = value {
                        value.set(event_target_value(&event));
                    }
                }
            />
        </Field>
    }
}

/// Several lines of text.
#[component]
pub fn TextArea(
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// Its name in the form.
    #[prop(into)]
    name: String,
    /// Keeps what is typed.
    #[prop(optional)]
    value: Option<RwSignal<String>>,
    /// What stands in it at first, without a `value`.
    #[prop(optional, into)]
    initial: Option<String>,
    /// How to answer.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong with the answer.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// An example, in grey.
    #[prop(optional, into)]
    placeholder: Option<String>,
    /// Must be filled in.
    #[prop(optional)]
    required: bool,
    /// Cannot be changed now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// Its height in lines.
    #[prop(default = 3)]
    rows: u32,
    /// In the typeface of code.
    #[prop(optional)]
    mono: bool,
    /// See the module.
    #[prop(optional, into)]
    id: Option<String>,
    /// Show the label to screen readers only.
    #[prop(optional)]
    quiet: bool,
) -> impl IntoView {
    let (hint_id, error_id, id) = ids(id, &name);
    let described = if hint.is_some() { format!("{hint_id} {error_id}") } else { error_id };
    let first = value.map(|value| value.get_untracked()).or(initial).unwrap_or_default();
    let kept = first.clone();
    view! {
        <Field label=label id=id.clone() hint=hint error=error quiet=quiet>
            <textarea
                class="input"
                class:mono=mono
                id=id
                name=name
                rows=rows
                placeholder=placeholder
                required=required
                disabled=disabled
                aria-describedby=described
                aria-invalid=move || error.read().is_some().then_some("true")
                prop:value=move || shown(value, &kept)
                on:input=move |event| {
                    if let Some(value) = value {
                        value.set(event_target_value(&event));
                    }
                }
            >
                {first}
            </textarea>
        </Field>
    }
}

/// One of several values.
#[component]
pub fn Select(
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// Its name in the form.
    #[prop(into)]
    name: String,
    /// Value and words of each choice.
    options: Vec<(String, String)>,
    /// Keeps the chosen value.
    #[prop(optional)]
    value: Option<RwSignal<String>>,
    /// What is chosen at first, without a `value`.
    #[prop(optional, into)]
    initial: Option<String>,
    /// How to answer.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong with the answer.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// Cannot be changed now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// See the module.
    #[prop(optional, into)]
    id: Option<String>,
    /// Show the label to screen readers only.
    #[prop(optional)]
    quiet: bool,
) -> impl IntoView {
    let (hint_id, error_id, id) = ids(id, &name);
    let described = if hint.is_some() { format!("{hint_id} {error_id}") } else { error_id };
    let first = value.map(|value| value.get_untracked()).or(initial);
    // Without a choice the first option holds, as in any list.
    let kept = first.clone().or_else(|| options.first().map(|(choice, _)| choice.clone())).unwrap_or_default();
    let options = options
        .into_iter()
        .map(|(choice, words)| {
            let selected = first.as_deref() == Some(choice.as_str());
            view! {
                <option value=choice selected=selected>
                    {words}
                </option>
            }
        })
        .collect_view();
    view! {
        <Field label=label id=id.clone() hint=hint error=error quiet=quiet>
            <select
                class="input"
                id=id
                name=name
                disabled=disabled
                aria-describedby=described
                prop:value=move || shown(value, &kept)
                on:change=move |event| {
                    if let Some(value) = value {
                        value.set(event_target_value(&event));
                    }
                }
            >
                {options}
            </select>
        </Field>
    }
}

/// Yes or no.
#[component]
pub fn Checkbox(
    /// What is asked.
    #[prop(into)]
    label: String,
    /// Its name in the form; it is sent as `true` when checked.
    #[prop(into)]
    name: String,
    /// Keeps the answer.
    #[prop(optional)]
    value: Option<RwSignal<bool>>,
    /// The answer at first, without a `value`.
    #[prop(optional)]
    initial: bool,
    /// Cannot be changed now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// What is sent when checked.
    #[prop(default = "true".to_owned(), into)]
    sends: String,
) -> impl IntoView {
    let first = value.map_or(initial, |value| value.get_untracked());
    view! {
        <label class="checkbox">
            <input
                type="checkbox"
                name=name
                value=sends
                checked=first
                disabled=disabled
                prop:checked=move || value.map_or(first, |value| value.get())
                on:change=move |event| {
                    if let Some(value) = value {
                        value.set(event_target_checked(&event));
                    }
                }
            />
            <span>{label}</span>
        </label>
    }
}

/// A switch for something that is on or off at once, like a rule. `label` is its accessible name.
#[component]
pub fn Switch(
    /// What it switches.
    #[prop(into)]
    label: String,
    /// Whether it is on.
    #[prop(into)]
    on: Signal<bool>,
    /// Called with what it should become.
    #[prop(into)]
    on_toggle: Callback<bool>,
    /// Cannot be changed now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="switch"
            role="switch"
            aria-label=label
            aria-checked=move || if on.get() { "true" } else { "false" }
            disabled=disabled
            on:click=move |_| on_toggle.run(!on.get_untracked())
        >
            <span class="switch-dot"></span>
        </button>
    }
}
