//! The form of the selected rule.

use leptos::{html, prelude::*};
use serde_json::Value;

use super::{
    approval_terms::WhoApproves,
    condition_rows::ConditionRows,
    controls::{NumberField, TokensField},
    coverage::Coverage,
    names,
    problems::FindingItem,
    shadowed_by::ShadowedBy,
    state::{EditorState, RowStep},
};
use crate::{
    components::{Button, ButtonKind, EmptyState, Field, Switch},
    model::{Edit, RuleKey, TypingTarget, order::Direction, rule},
};

/// The form, or a hint on how to open it.
#[component]
pub fn RulePanel(editor: EditorState) -> impl IntoView {
    let selected = Memo::new(move |_| editor.selection.selected().get());
    move || {
        match selected.get() {
        Some(key) => view! { <RuleForm editor=editor rule_key=key /> }.into_any(),
        None => view! {
            <EmptyState title="No rule selected">
                <p>"Choose a rule in the table to read and change it here. "<kbd class="kbd">"j"</kbd>" and "<kbd class="kbd">"k"</kbd>" go through them."</p>
            </EmptyState>
        }
        .into_any(),
    }
    }
}

/// Every field of one rule.
#[component]
fn RuleForm(editor: EditorState, rule_key: RuleKey) -> impl IntoView {
    let key = rule_key;
    let on = Memo::new(move |_| editor.document.rule(key).is_none_or(|rule| rule::enabled(&rule.0)));
    let name =
        Memo::new(move |_| editor.document.rule(key).map_or_else(String::new, |rule| rule::name(&rule.0).to_owned()));
    let findings = Memo::new(move |_| {
        editor.results.checked().with(|checked| {
            checked.report.all().filter(|finding| checked.key(finding) == Some(key)).cloned().collect::<Vec<_>>()
        })
    });
    let disabled = !editor.document.is_editable();
    let tags = Memo::new(move |_| {
        editor
            .document
            .rule(key)
            .map_or_else(Vec::new, |rule| rule::tags(&rule.0).into_iter().map(Value::from).collect::<Vec<_>>())
    });
    let set_tags = move |tags: Vec<Value>| {
        let value = (!tags.is_empty()).then_some(Value::Array(tags));
        editor.document.edit(&Edit::Set { key, field: "tags", value });
    };
    let budget = move |part: &'static str| {
        Memo::new(move |_| editor.document.rule(key).and_then(|rule| rule::budget(&rule.0, part).cloned()))
    };
    let set_budget = move |part: &'static str| {
        Callback::new(move |value: Option<Value>| {
            let stroke = TypingTarget::Field(key, format!("budget.{part}"));
            let _ = editor.document.type_into(stroke, &Edit::Budget { key, part, value });
        })
    };
    let priority = Memo::new(move |_| editor.document.rule(key).and_then(|rule| rule.0.get("priority").cloned()));
    let set_priority = Callback::new(move |value| {
        let _ = editor
            .document
            .type_into(TypingTarget::Field(key, "priority".into()), &Edit::Set { key, field: "priority", value });
    });
    let go = move |direction| editor.document.edit(&Edit::Move { keys: vec![key], direction });

    view! {
        <form class="rule-form" aria-label="Rule" on:submit=|event| event.prevent_default()>
            <div class="rule-form-head">
                <Button kind=ButtonKind::Ghost small=true attr:aria-label="Previous rule" attr:title="Previous rule (k)" on_click=move |_| editor.step(RowStep::Previous)>
                    "‹"
                </Button>
                <Button kind=ButtonKind::Ghost small=true attr:aria-label="Next rule" attr:title="Next rule (j)" on_click=move |_| editor.step(RowStep::Next)>
                    "›"
                </Button>
                <strong class="rule-form-name">{name}</strong>
                {move || {
                    view! {
                        <Switch
                            label="Enabled"
                            on=on
                            disabled=disabled
                            on_toggle=move |on| editor.document.edit(&Edit::Enable { keys: vec![key], on })
                        />
                    }
                }}
                <Button kind=ButtonKind::Ghost small=true attr:aria-label="Close rule" attr:title="Close (Esc)" on_click=move |_| editor.deselect()>
                    "✕"
                </Button>
            </div>
            <Coverage editor=editor rule_key=key />
            <ShadowedBy editor=editor rule_key=key />
            <Show when=move || findings.with(|findings| !findings.is_empty())>
                <ul class="findings rule-findings">
                    <For each=move || findings.get() key=|finding| (finding.code, finding.path.clone(), finding.message.clone()) let:finding>
                        <FindingItem editor=editor finding=finding within=true />
                    </For>
                </ul>
            </Show>
            <fieldset class="rule-fields" disabled=disabled>
                <TextField editor=editor rule_key=key field="id" label="Rule id" mono=true />
                <div class="field-pair">
                    <TextField editor=editor rule_key=key field="agent" label="Agent" mono=true names=names::agents(editor) />
                    <TextField editor=editor rule_key=key field="action" label="Action" mono=true names=names::actions(editor, key) />
                </div>
                <EffectField editor=editor rule_key=key />
                <WhoApproves editor=editor rule_key=key />
                <ConditionRows editor=editor rule_key=key />
                <ReasonField editor=editor rule_key=key />
                <div class="field-pair">
                    <NumberField label="Priority" id="rule-priority" unit="0–1000" value=priority on_value=set_priority />
                    <div class="nudges">
                        <Button small=true attr:title="Looked at earlier (Alt ↑)" on_click=move |_| go(Direction::Up)>"Move up"</Button>
                        <Button small=true attr:title="Looked at later (Alt ↓)" on_click=move |_| go(Direction::Down)>"Move down"</Button>
                    </div>
                </div>
                <div class="field-triple">
                    <NumberField label="Budget cost" id="rule-cost" unit="USD" value=budget("cost") on_value=set_budget("cost") />
                    <NumberField label="Compute" id="rule-compute" unit="units" value=budget("compute") on_value=set_budget("compute") />
                    <RiskField editor=editor rule_key=key />
                </div>
                <TokensField label="Tags" id="rule-tags" hint="guardrail marks a protected rule" items=tags on_items=set_tags />
            </fieldset>
            {editor
                .document
                .is_editable()
                .then(|| {
                    view! {
                        <div class="rule-form-foot">
                            <Button small=true on_click=move |_| editor.document.edit(&Edit::Duplicate { keys: vec![key] })>
                                "Duplicate"
                            </Button>
                            <Button small=true kind=ButtonKind::Danger on_click=move |_| editor.delete_rules(vec![key])>
                                "Delete rule"
                            </Button>
                        </div>
                    }
                })}
        </form>
    }
}

/// A text field of a rule.
#[component]
fn TextField(
    editor: EditorState,
    rule_key: RuleKey,
    field: &'static str,
    label: &'static str,
    #[prop(optional)] mono: bool,
    /// The names to offer for completion.
    #[prop(optional)]
    names: Option<Memo<Vec<String>>>,
) -> impl IntoView {
    let key = rule_key;
    let id = format!("rule-{field}");
    let list = names.map(|_| format!("{id}-names"));
    let value = Memo::new(move |_| {
        editor.document.rule(key).map_or_else(String::new, |rule| rule::text(&rule.0, field).to_owned())
    });
    let type_in = move |event: leptos::ev::Event| {
        let value = Some(event_target_value(&event).into());
        let _ = editor.document.type_into(TypingTarget::Field(key, field.to_owned()), &Edit::Set { key, field, value });
    };
    view! {
        <Field label=label id=id.clone()>
            <input
                class="input"
                class:mono=mono
                id=id
                type="text"
                autocomplete="off"
                spellcheck="false"
                list=list.clone()
                prop:value=value
                on:input=type_in
                on:blur=move |_| editor.document.end_typing()
            />
            {names
                .map(|names| {
                    view! {
                        <datalist id=list>
                            {move || names.get().into_iter().map(|name| view! { <option value=name></option> }).collect_view()}
                        </datalist>
                    }
                })}
        </Field>
    }
}

/// The reason why the rule exists.
#[component]
fn ReasonField(editor: EditorState, rule_key: RuleKey) -> impl IntoView {
    let key = rule_key;
    let field = NodeRef::<html::Textarea>::new();
    let value = Memo::new(move |_| {
        editor.document.rule(key).map_or_else(String::new, |rule| rule::text(&rule.0, "reason").to_owned())
    });
    let type_in = move |event: leptos::ev::Event| {
        let value = Some(event_target_value(&event).into());
        let _ = editor
            .document
            .type_into(TypingTarget::Field(key, "reason".into()), &Edit::Set { key, field: "reason", value });
    };
    view! {
        <Field label="Reason" id="rule-reason" hint="10 to 256 characters; people read it in every decision">
            <textarea
                class="input"
                id="rule-reason"
                rows="2"
                node_ref=field
                prop:value=value
                on:input=type_in
                on:blur=move |_| editor.document.end_typing()
            ></textarea>
        </Field>
    }
}

/// The three effects, side by side.
#[component]
fn EffectField(editor: EditorState, rule_key: RuleKey) -> impl IntoView {
    let key = rule_key;
    let written = Memo::new(move |_| {
        editor.document.rule(key).map_or_else(String::new, |rule| rule::text(&rule.0, "effect").to_owned())
    });
    let choices = [
        ("allow", "✓", "allow", "tone-good"),
        ("needs_approval", "❚❚", "needs approval", "tone-warn"),
        ("deny", "✕", "deny", "tone-bad"),
    ];
    view! {
        <fieldset class="segments">
            <legend>"Effect"</legend>
            {choices
                .into_iter()
                .map(|(value, sign, words, tone)| {
                    view! {
                        <label class=format!("segment {tone}")>
                            <input
                                type="radio"
                                name="rule-effect"
                                value=value
                                prop:checked=move || written.read().as_str() == value
                                on:change=move |_| {
                                    editor.document.edit(&Edit::Set { key, field: "effect", value: Some(value.into()) });
                                }
                            />
                            <span>
                                <span class="sign" aria-hidden="true">{sign}</span>
                                {words}
                            </span>
                        </label>
                    }
                })
                .collect_view()}
        </fieldset>
    }
}

/// The stated risk of the budgeted action.
#[component]
fn RiskField(editor: EditorState, rule_key: RuleKey) -> impl IntoView {
    let key = rule_key;
    let written = Memo::new(move |_| {
        editor
            .document
            .rule(key)
            .and_then(|rule| rule::budget(&rule.0, "risk").map(crate::model::condition::plain_text))
            .unwrap_or_default()
    });
    let choose = move |event: leptos::ev::Event| {
        let chosen = event_target_value(&event);
        let value = (!chosen.is_empty()).then_some(Value::from(chosen));
        editor.document.edit(&Edit::Budget { key, part: "risk", value });
    };
    let odd = move || Some(written.get()).filter(|risk| !["", "low", "medium", "high"].contains(&risk.as_str()));
    view! {
        <Field label="Risk" id="rule-risk">
            <select class="input" id="rule-risk" on:change=choose prop:value=written>
                <option value="" selected=move || written.read().is_empty()>"–"</option>
                {move || odd().map(|risk| view! { <option value=risk.clone() selected=true>{format!("{risk}?")}</option> })}
                {["low", "medium", "high"]
                    .into_iter()
                    .map(|risk| view! { <option value=risk selected=move || written.read().as_str() == risk>{risk}</option> })
                    .collect_view()}
            </select>
        </Field>
    }
}
