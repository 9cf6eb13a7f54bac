//! Form fields: label, control, hint and error, linked for assistive technology.
//!
//! Every control has a `name`, so that it also works in a plain form post. Its id is `field-<name>` unless `id` is
//! given, which is needed when two forms of a page use one name.

use leptos::{ev::Event, prelude::*};

/// The parts that a text input, a text area and a select have in common.
#[derive(Debug, Clone)]
struct Control {
    id: String,
    /// The ids of the elements that describe the control.
    described_by: String,
    /// The initial value in the markup, which also works without scripts.
    initial: Option<String>,
    value: Option<RwSignal<String>>,
}

impl Control {
    fn new(
        id: Option<String>,
        name: &str,
        has_hint: bool,
        value: Option<RwSignal<String>>,
        initial: Option<String>,
    ) -> Self {
        let id = id.unwrap_or_else(|| format!("field-{name}"));
        let error_id = error_id(&id);
        Self {
            described_by: if has_hint { format!("{} {error_id}", hint_id(&id)) } else { error_id },
            initial: value.map(|value| value.get_untracked()).or(initial),
            id,
            value,
        }
    }

    /// The current value: that of the signal, otherwise the initial value, otherwise `default`. The `value` property
    /// must be set to a string, since a browser would show a missing value as `undefined`.
    fn current(&self, default: &str) -> impl Fn() -> String + use<> {
        let initial = self.initial.clone().unwrap_or_else(|| default.to_owned());
        let value = self.value;
        move || value.map_or_else(|| initial.clone(), |value| value.get())
    }

    /// Writes what was typed or chosen into the signal.
    fn on_change(&self) -> impl Fn(Event) + use<> {
        let value = self.value;
        move |event| {
            if let Some(value) = value {
                value.set(event_target_value(&event));
            }
        }
    }
}

fn hint_id(id: &str) -> String {
    format!("{id}-hint")
}

fn error_id(id: &str) -> String {
    format!("{id}-error")
}

/// A label, a control, and the hint and error below. The fields in this file use it; other controls inside it must have
/// the given `id`.
#[component]
pub fn Field(
    /// The label.
    #[prop(into)]
    label: String,
    /// The control's id.
    #[prop(into)]
    id: String,
    /// Help below the control.
    #[prop(optional, into)]
    hint: MaybeProp<String>,
    /// The error below the control.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// Whether only screen readers get the label.
    #[prop(optional)]
    quiet: bool,
    children: Children,
) -> impl IntoView {
    let (hint_id, error_id) = (hint_id(&id), error_id(&id));
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
    /// The label.
    #[prop(into)]
    label: String,
    /// The name in the form.
    #[prop(into)]
    name: String,
    /// `text`, `email`, `password`, `number`, `search`, …
    #[prop(default = "text")]
    kind: &'static str,
    /// Holds what is typed.
    #[prop(optional)]
    value: Option<RwSignal<String>>,
    /// The initial text, without a `value`.
    #[prop(optional, into)]
    initial: Option<String>,
    /// Help below the control.
    #[prop(optional, into)]
    hint: Option<String>,
    /// The error below the control.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// An example, in grey.
    #[prop(optional, into)]
    placeholder: Option<String>,
    /// Whether the field must be filled in.
    #[prop(optional)]
    required: bool,
    /// Whether the field cannot be changed.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// The `autocomplete` attribute.
    #[prop(optional)]
    autocomplete: Option<&'static str>,
    /// Step of a number.
    #[prop(optional)]
    step: Option<&'static str>,
    /// Smallest number.
    #[prop(optional)]
    min: Option<&'static str>,
    /// The id of the control: see the module.
    #[prop(optional, into)]
    id: Option<String>,
    /// Whether only screen readers get the label.
    #[prop(optional)]
    quiet: bool,
) -> impl IntoView {
    let control = Control::new(id, &name, hint.is_some(), value, initial);
    let (current, on_change) = (control.current(""), control.on_change());
    let Control { id, described_by, initial, .. } = control;
    view! {
        <Field label=label id=id.clone() hint=hint error=error quiet=quiet>
            <input
                class="input"
                id=id
                name=name
                type=kind
                value=initial
                placeholder=placeholder
                required=required
                disabled=disabled
                autocomplete=autocomplete
                step=step
                min=min
                aria-describedby=described_by
                aria-invalid=move || error.read().is_some().then_some("true")
                prop:value=current
                on:input=on_change
            />
        </Field>
    }
}

/// Several lines of text.
#[component]
pub fn TextArea(
    /// The label.
    #[prop(into)]
    label: String,
    /// The name in the form.
    #[prop(into)]
    name: String,
    /// Holds what is typed.
    #[prop(optional)]
    value: Option<RwSignal<String>>,
    /// The initial text, without a `value`.
    #[prop(optional, into)]
    initial: Option<String>,
    /// Help below the control.
    #[prop(optional, into)]
    hint: Option<String>,
    /// The error below the control.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// An example, in grey.
    #[prop(optional, into)]
    placeholder: Option<String>,
    /// Whether the field must be filled in.
    #[prop(optional)]
    required: bool,
    /// Whether the field cannot be changed.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// The height in lines.
    #[prop(default = 3)]
    rows: u32,
    /// Whether the text is in the typeface of code.
    #[prop(optional)]
    mono: bool,
    /// The id of the control: see the module.
    #[prop(optional, into)]
    id: Option<String>,
    /// Whether only screen readers get the label.
    #[prop(optional)]
    quiet: bool,
) -> impl IntoView {
    let control = Control::new(id, &name, hint.is_some(), value, initial);
    let (current, on_change) = (control.current(""), control.on_change());
    let Control { id, described_by, initial, .. } = control;
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
                aria-describedby=described_by
                aria-invalid=move || error.read().is_some().then_some("true")
                prop:value=current
                on:input=on_change
            >
                {initial.unwrap_or_default()}
            </textarea>
        </Field>
    }
}

/// One of several values.
#[component]
pub fn Select(
    /// The label.
    #[prop(into)]
    label: String,
    /// The name in the form.
    #[prop(into)]
    name: String,
    /// Value and label of each choice.
    options: Vec<(String, String)>,
    /// Holds the chosen value.
    #[prop(optional)]
    value: Option<RwSignal<String>>,
    /// The initial choice, without a `value`.
    #[prop(optional, into)]
    initial: Option<String>,
    /// Help below the control.
    #[prop(optional, into)]
    hint: Option<String>,
    /// The error below the control.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// Whether the choice cannot be changed.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// The id of the control: see the module.
    #[prop(optional, into)]
    id: Option<String>,
    /// Whether only screen readers get the label.
    #[prop(optional)]
    quiet: bool,
) -> impl IntoView {
    let control = Control::new(id, &name, hint.is_some(), value, initial);
    // Without a choice, browsers select the first option.
    let first = options.first().map(|(choice, _)| choice.clone()).unwrap_or_default();
    let (current, on_change) = (control.current(&first), control.on_change());
    let Control { id, described_by, initial, .. } = control;
    let options = options
        .into_iter()
        .map(|(choice, words)| {
            let selected = initial.as_deref() == Some(choice.as_str());
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
                aria-describedby=described_by
                prop:value=current
                on:change=on_change
            >
                {options}
            </select>
        </Field>
    }
}

/// Yes or no.
#[component]
pub fn Checkbox(
    /// The label.
    #[prop(into)]
    label: String,
    /// The name in the form.
    #[prop(into)]
    name: String,
    /// Holds the answer.
    #[prop(optional)]
    value: Option<RwSignal<bool>>,
    /// The initial answer, without a `value`.
    #[prop(optional)]
    initial: bool,
    /// Whether the answer cannot be changed.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// The value that is sent when checked.
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

/// A switch that takes effect at once, such as for a rule. `label` is its accessible name.
#[component]
pub fn Switch(
    /// The accessible name.
    #[prop(into)]
    label: String,
    /// Whether the switch is on.
    #[prop(into)]
    on: Signal<bool>,
    /// Called with the new state.
    #[prop(into)]
    on_toggle: Callback<bool>,
    /// Whether the switch cannot be changed.
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
