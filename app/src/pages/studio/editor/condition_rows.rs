//! The conditions of the selected rule, one row each: field, operator, value.

use leptos::{html, prelude::*};
use serde_json::Value;
use wasm_bindgen::JsCast;

use super::{
    controls::{Tokens, TypedNumber},
    names,
    state::EditorState,
};
use crate::{
    components::{Button, ButtonKind},
    model::{
        Edit, RuleKey, TypingTarget,
        condition::{OperatorOption, RowKeys, ValueKind, ValueShape, convert_value, plain_text, read, split},
        rule,
    },
};

/// All conditions, and the button that adds one.
#[component]
pub fn ConditionRows(editor: EditorState, rule_key: RuleKey) -> impl IntoView {
    let key = rule_key;
    let rows = RwSignal::new(RowKeys::default());
    let fields = names::fields(editor, key);
    Effect::new(move |_| {
        let conditions =
            editor.document.rule(key).and_then(|rule| rule.0.get("conditions").and_then(Value::as_object).cloned());
        rows.update(|rows| rows.follow(&conditions.unwrap_or_default()));
    });
    let numbers = Memo::new(move |_| rows.with(|rows| rows.iter().map(|(row, _)| row).collect::<Vec<_>>()));
    let add = move |_| {
        let Some(rule) = editor.document.rule(key) else { return };
        let used: Vec<&str> = rule::conditions(&rule.0).map(|(key, _)| split(key).1).collect();
        let next = fields.with_untracked(|fields| fields.iter().find(|field| !used.contains(&field.as_str())).cloned());
        let field = next.unwrap_or_else(|| {
            (1..).map(|n: u32| format!("field_{n}")).find(|field| !used.contains(&field.as_str())).unwrap_or_default()
        });
        let kind = names::declared_kind(editor, key, &field);
        let operator = if kind == Some(ValueKind::Number) { OperatorOption::AtLeast } else { OperatorOption::Equals };
        let value = match kind {
            Some(ValueKind::Number) => Value::from(0),
            Some(ValueKind::Boolean) => Value::from(true),
            _ => Value::from(""),
        };
        if editor.document.try_edit(&Edit::Condition { key, from: None, to: operator.key(&field), value }) {
            // The new row is the last one; its field is the next thing to type.
            request_animation_frame(focus_last);
        }
    };
    view! {
        <div class="conditions" role="group" aria-label="Conditions">
            <div class="conditions-head">
                <span class="label">"When all hold"</span>
                {editor
                    .document
                    .is_editable()
                    .then(|| {
                        view! {
                            <Button kind=ButtonKind::Ghost small=true on_click=add>
                                "Add condition"
                            </Button>
                        }
                    })}
            </div>
            <datalist id="condition-fields">
                {move || fields.get().into_iter().map(|name| view! { <option value=name></option> }).collect_view()}
            </datalist>
            <For each=move || numbers.get() key=|row| *row let:row>
                <ConditionRow editor=editor rule_key=key row=row rows=rows />
            </For>
            <Show when=move || numbers.with(Vec::is_empty)>
                <p class="muted">"No conditions: it always applies to this agent and action."</p>
            </Show>
        </div>
    }
}

/// One condition.
#[component]
fn ConditionRow(editor: EditorState, rule_key: RuleKey, row: u32, rows: RwSignal<RowKeys>) -> impl IntoView {
    let key = rule_key;
    let refused = RwSignal::new(None::<String>);
    // The key the condition is written under, and its value.
    let written = Memo::new(move |_| {
        let at = rows.with(|rows| rows.iter().find(|(number, _)| *number == row).map(|(_, key)| key.to_owned()))?;
        let value = editor.document.rule(key)?.0.get("conditions")?.get(&at)?.clone();
        Some((at, value))
    });
    let operator =
        Memo::new(move |_| written.with(|w| w.as_ref().map_or(OperatorOption::Equals, |(key, v)| read(key, v).0)));
    let field =
        Memo::new(move |_| written.with(|w| w.as_ref().map_or_else(String::new, |(key, v)| read(key, v).1.to_owned())));
    let declared = Memo::new(move |_| names::declared_kind(editor, key, &field.read()));

    // Writes the condition under the key `to` with `value`.
    let write = move |to: String, value: Value, typing: bool| {
        let Some((from, _)) = written.get_untracked() else { return };
        let edit = Edit::Condition { key, from: Some(from.clone()), to: to.clone(), value };
        // Renamed before the edit, so that the row keeps its place when the document changes.
        rows.update_untracked(|rows| rows.rename(row, &to));
        let done = if typing {
            editor.document.type_into(TypingTarget::Field(key, format!("condition {row}")), &edit)
        } else if editor.document.try_edit(&edit) {
            Ok(())
        } else {
            Err(crate::model::EditRefused::Nothing)
        };
        match done {
            Ok(()) => {
                rows.notify();
                refused.set(None);
            }
            Err(why) => {
                rows.update_untracked(|rows| rows.rename(row, &from));
                refused.set((why != crate::model::EditRefused::Nothing).then(|| format!("Not taken over: {why}.")));
            }
        }
    };
    let rename = move |event: leptos::ev::Event| {
        let name = event_target_value(&event);
        let Some((at, value)) = written.get_untracked() else { return };
        write(format!("{}{}", split(&at).0, name.trim()), value, true);
    };
    let change_operator = move |event: leptos::ev::Event| {
        let Some(operator) = OperatorOption::from_code(&event_target_value(&event)) else { return };
        let Some((_, value)) = written.get_untracked() else { return };
        write(operator.key(&field.read_untracked()), convert_value(operator, &value, declared.get_untracked()), false);
    };
    let change_value = Callback::new(move |value: Value| {
        if let Some((at, _)) = written.get_untracked() {
            write(at, value, true);
        }
    });
    let remove = move |_| {
        if let Some((condition, _)) = written.get_untracked() {
            editor.document.edit(&Edit::RemoveCondition { key, condition });
        }
    };
    let value = Memo::new(move |_| written.with(|w| w.as_ref().map_or(Value::Null, |(_, value)| value.clone())));
    let place = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        let here = editor.selection.focused_condition().get().is_some_and(|(rule, condition)| {
            rule == key && written.with_untracked(|written| written.as_ref().is_some_and(|(at, _)| *at == condition))
        });
        if let Some(place) = place.get().filter(|_| here) {
            editor.selection.clear_focused_condition();
            // In the next frame: the form may have been hidden until now.
            request_animation_frame(move || focus_value(&place));
        }
    });
    view! {
        <div class="condition-row" node_ref=place>
            <input
                class="input mono condition-name"
                type="text"
                aria-label="Field"
                autocomplete="off"
                spellcheck="false"
                list="condition-fields"
                prop:value=field
                on:input=rename
            />
            <select class="input condition-operator" aria-label="Operator" on:change=change_operator prop:value=move || operator.get().code()>
                {OperatorOption::ALL
                    .into_iter()
                    .map(|choice| {
                        view! {
                            <option value=choice.code() selected=move || operator.get() == choice>
                                {choice.words()}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
            {move || view! { <ValueInput takes=operator.get().takes() declared=declared.get() value=value on_value=change_value /> }}
            {editor
                .document
                .is_editable()
                .then(|| {
                    view! {
                        <button type="button" class="button button-ghost button-small condition-remove" aria-label="Remove condition" on:click=remove>
                            "✕"
                        </button>
                    }
                })}
            <Show when=move || refused.read().is_some()>
                <p class="field-error">{move || refused.get()}</p>
            </Show>
        </div>
    }
}

/// The input for a condition's value, in the shape its operator takes.
#[component]
fn ValueInput(
    takes: Option<ValueShape>,
    declared: Option<ValueKind>,
    value: Memo<Value>,
    on_value: Callback<Value>,
) -> AnyView {
    match takes {
        None => view! { <span class="condition-value"></span> }.into_any(),
        Some(ValueShape::Number) => view! { <NumberValue value=value on_value=on_value /> }.into_any(),
        Some(ValueShape::Text) => view! { <TextValue value=value on_value=on_value /> }.into_any(),
        Some(ValueShape::Scalar) => {
            view! { <ScalarValue declared=declared value=value on_value=on_value /> }.into_any()
        }
        Some(ValueShape::List) => {
            let items = Signal::derive(move || value.with(|value| value.as_array().cloned().unwrap_or_default()));
            let on_items = move |items: Vec<Value>| on_value.run(Value::Array(items));
            let tokens = match declared {
                Some(kind) => view! { <Tokens label="Values" items=items on_items=on_items kind=kind /> }.into_any(),
                None => view! { <Tokens label="Values" items=items on_items=on_items /> }.into_any(),
            };
            view! { <span class="condition-value">{tokens}</span> }.into_any()
        }
    }
}

#[component]
fn NumberValue(value: Memo<Value>, on_value: Callback<Value>) -> impl IntoView {
    let typed = TypedNumber::new();
    // A value of another kind is shown as it is, with an error, until a number is typed.
    Effect::new(move |_| match value.get() {
        Value::Number(number) => typed.follow(Some(Value::Number(number))),
        other if typed.text.with_untracked(|text| *text == plain_text(&other)) => {}
        other => typed.show(plain_text(&other), Some("Not a number.".to_owned())),
    });
    let take = move |value: Option<Value>| {
        if let Some(value) = value {
            on_value.run(value);
        }
    };
    view! {
        <span class="condition-value condition-number">
            <input
                class="input num mono"
                type="text"
                inputmode="decimal"
                aria-label="Value"
                autocomplete="off"
                aria-invalid=move || typed.error.read().is_some().then_some("true")
                prop:value=typed.text
                on:focus=move |_| typed.begin(Some(value.get_untracked()))
                on:input=move |event| typed.typed(&event, true, take)
            />
            <span class="field-error" role="alert">
                {typed.error}
            </span>
        </span>
    }
}

#[component]
fn TextValue(value: Memo<Value>, on_value: Callback<Value>) -> impl IntoView {
    view! {
        <input
            class="input mono condition-value"
            type="text"
            aria-label="Value"
            autocomplete="off"
            spellcheck="false"
            prop:value=move || value.with(plain_text)
            on:input=move |event| on_value.run(event_target_value(&event).into())
        />
    }
}

/// One value, whose kind is declared in the schema or chosen by the author.
#[component]
fn ScalarValue(declared: Option<ValueKind>, value: Memo<Value>, on_value: Callback<Value>) -> impl IntoView {
    let kind = Memo::new(move |_| value.with(ValueKind::of).or(declared).unwrap_or(ValueKind::Text));
    let choose = move |event: leptos::ev::Event| {
        if let Some(kind) = ValueKind::from_name(&event_target_value(&event)) {
            on_value.run(value.with_untracked(|value| kind.convert(value)));
        }
    };
    let free = Memo::new(move |_| declared.is_none() || declared != Some(kind.get()));
    view! {
        <span class="condition-value condition-scalar">
            {move || match kind.get() {
                ValueKind::Number => view! { <NumberValue value=value on_value=on_value /> }.into_any(),
                ValueKind::Text => view! { <TextValue value=value on_value=on_value /> }.into_any(),
                ValueKind::Boolean => {
                    view! {
                        <select
                            class="input condition-value"
                            aria-label="Value"
                            prop:value=move || value.with(plain_text)
                            on:change=move |event| on_value.run(Value::from(event_target_value(&event) == "true"))
                        >
                            <option value="true" selected=move || value.get() == Value::Bool(true)>"true"</option>
                            <option value="false" selected=move || value.get() == Value::Bool(false)>"false"</option>
                        </select>
                    }
                        .into_any()
                }
            }}
            <Show when=move || free.get()>
                <select class="input condition-kind" aria-label="Kind of value" on:change=choose prop:value=move || kind.get().name()>
                    {ValueKind::ALL
                        .into_iter()
                        .map(|choice| {
                            view! { <option value=choice.name() selected=move || kind.get() == choice>{choice.name()}</option> }
                        })
                        .collect_view()}
                </select>
            </Show>
        </span>
    }
}

/// Focuses a condition's value, or its operator when that takes no value.
fn focus_value(row: &web_sys::HtmlElement) {
    let found = [".condition-value input, input.condition-value, select.condition-value", ".condition-operator"]
        .into_iter()
        .find_map(|which| row.query_selector(which).ok().flatten());
    let Some(found) = found else { return };
    if let Some(field) = found.dyn_ref::<web_sys::HtmlElement>() {
        let _ = field.focus();
    }
    if let Some(input) = found.dyn_ref::<web_sys::HtmlInputElement>() {
        input.select();
    }
}

/// Focuses the field name of the last row.
fn focus_last() {
    let found = document().query_selector(".condition-row:last-of-type .condition-name").ok().flatten();
    if let Some(input) = found.and_then(|node| node.dyn_into::<web_sys::HtmlInputElement>().ok()) {
        let _ = input.focus();
        input.select();
    }
}
