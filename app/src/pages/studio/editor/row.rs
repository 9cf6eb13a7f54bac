//! One row of the rules table.

use std::sync::Arc;

use leptos::prelude::*;
use policy::{
    bundle::{Effect, Format},
    lint::Severity,
};
use serde_json::Value;
use wasm_bindgen::JsCast;

use super::{
    approval_terms, drag, inline,
    state::{EditorState, checked::code_label},
};
use crate::{
    components::{Chip, ConditionChip, EffectBadge, Switch, Tone, format},
    model::{Edit, RawRule, RuleKey, SharedRule, condition::plain_text, order::Direction, rule},
};

/// Maximum number of conditions drawn in a row; the others are counted.
const SHOWN: usize = 6;

/// One rule: its switch, priority, id, agent and action, conditions, effect and hits.
#[component]
pub fn RuleRow(editor: EditorState, rule_key: RuleKey) -> impl IntoView {
    let key = rule_key;
    let written = Memo::new(move |_| editor.document.rule(key).unwrap_or_else(|| SharedRule(Arc::default())));
    let id = Memo::new(move |_| written.with(|rule| rule::name(&rule.0).to_owned()));
    let on = Memo::new(move |_| written.with(|rule| rule::enabled(&rule.0)));
    let priority = Memo::new(move |_| written.with(|rule| plain_text(&rule::priority(&rule.0).into())));
    let effect_name = Memo::new(move |_| written.with(|rule| rule::text(&rule.0, "effect").to_owned()));
    let agent = Memo::new(move |_| written.with(|rule| rule::text(&rule.0, "agent").to_owned()));
    let action = Memo::new(move |_| written.with(|rule| rule::text(&rule.0, "action").to_owned()));
    let selected = Memo::new(move |_| editor.selection.selected().get() == Some(key));
    let marked = Memo::new(move |_| editor.selection.marked().with(|marked| marked.contains(&key)));

    let hits = Memo::new(move |_| hits(editor, key));

    let pick = move |event: leptos::ev::MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let within = |what: &str| target.as_ref().and_then(|target| target.closest(what).ok().flatten());
        if let Some(condition) = within("[data-condition]").and_then(|chip| chip.get_attribute("data-condition")) {
            editor.select_condition(key, condition);
            return;
        }
        if within("button, input, label, select").is_some() {
            return;
        }
        if event.ctrl_key() || event.meta_key() {
            editor.selection.toggle_mark(key);
        } else {
            editor.select_rule(key);
        }
    };
    view! {
        <tr
            class="rule-row"
            class:is-selected=selected
            class:is-off=move || !on.get()
            class:is-marked=marked
            class:is-dragged=move || editor.selection.dragged().with(|dragged| dragged.contains(&key))
            class:drop-before=move || editor.selection.drop_target().get() == Some((key, Direction::Up))
            class:drop-behind=move || editor.selection.drop_target().get() == Some((key, Direction::Down))
            data-rule=key.0.to_string()
            on:click=pick
            on:dragover=move |event| drag::drag_over(editor, key, &event)
            on:drop=move |event| drag::drop_rules(editor, key, &event)
        >
            <td class="rule-mark">
                <input
                    type="checkbox"
                    aria-label=move || format!("Mark {}", id.get())
                    disabled=!editor.document.is_editable()
                    prop:checked=marked
                    on:change=move |_| editor.selection.toggle_mark(key)
                />
            </td>
            <td class="rule-on">
                {move || {
                    view! {
                        <Switch
                            label=format!("Enable {}", id.get())
                            on=on
                            disabled=!editor.document.is_editable()
                            on_toggle=move |on| editor.document.edit(&Edit::Enable { keys: vec![key], on })
                        />
                    }
                }}
            </td>
            <td class="rule-priority num">
                <drag::Handle editor=editor rule_key=key />
                <inline::Priority editor=editor rule_key=key name=id value=priority />
            </td>
            <th scope="row" class="rule-name">
                <button type="button" class="rule-open" aria-pressed=move || selected.get().to_string() on:click=move |_| editor.select_rule(key)>
                    {id}
                </button>
                {move || written.with(|rule| change_label(editor, &rule.0)).map(|words| view! { <span class="rule-change">{words}</span> })}
                {move || flag(editor, key)}
            </th>
            <td class="rule-scope">{move || breakable(&agent.get())} " · " {action}</td>
            <td class="rule-when">
                <span class="rule-chips">{move || written.with(|rule| condition_chips(editor, &rule.0))}</span>
            </td>
            <td class="rule-effect">
                {move || written.with(|rule| effect(&rule.0))}
                {move || written.with(|rule| terms(editor, &rule.0))}
                <inline::EffectSelect editor=editor rule_key=key name=id value=effect_name />
            </td>
            <td class="rule-hits num">{hits}</td>
        </tr>
    }
}

/// How many of the replayed cases the rule decides: per day, if the dataset has a duration.
fn hits(editor: EditorState, key: RuleKey) -> Option<String> {
    editor.results.replay().with(|replayed| {
        let replayed = replayed.as_ref()?;
        let hits = replayed.hits.get(&key).copied().unwrap_or_default();
        Some(match replayed.per_day(hits) {
            Some(daily) if daily > 0.0 && daily < 10.0 => format!("{daily:.1}"),
            Some(daily) => format::count(daily.round() as u64),
            None => format::count(hits as u64),
        })
    })
}

/// Whether the rule is new or edited against stable, as the *Changes* tab says.
fn change_label(editor: EditorState, rule: &RawRule) -> Option<&'static str> {
    editor.results.rule_changes().with(|changes| changes.get(rule::id(rule)).map(|change| change.label()))
}

/// A dotted name that may wrap after its dots.
fn breakable(name: &str) -> Vec<AnyView> {
    name.split_inclusive('.').map(|part| view! { {part.to_owned()} <wbr /> }.into_any()).collect()
}

/// The worst finding of the rule.
fn flag(editor: EditorState, key: RuleKey) -> Option<impl IntoView> {
    let finding = editor
        .results
        .worst_findings()
        .with(|flags| flags.get(&key).map(|finding| (finding.code, finding.severity, finding.message.clone())));
    finding.map(|(code, severity, message)| {
        let (tone, sign) = match severity {
            Severity::Error => (Tone::Bad, "✕"),
            Severity::Warning => (Tone::Warn, "▲"),
            Severity::Info => (Tone::Neutral, "i"),
        };
        view! {
            <span class="rule-flag" title=message>
                <Chip tone=tone sign=sign>{code_label(code)}</Chip>
            </span>
        }
    })
}

fn effect(rule: &RawRule) -> AnyView {
    match rule::effect(rule) {
        Some(effect) => view! { <EffectBadge effect=effect /> }.into_any(),
        None => {
            let written = rule::text(rule, "effect").to_owned();
            let words = if written.is_empty() { "no effect".to_owned() } else { format!("“{written}”?") };
            view! { <Chip tone=Tone::Bad sign="?">{words}</Chip> }.into_any()
        }
    }
}

/// The terms of approvals in words, where they mean something.
fn terms(editor: EditorState, rule: &RawRule) -> Option<AnyView> {
    let asks = rule::effect(rule) == Some(Effect::NeedsApproval) && editor.document.format().get() >= Format::V1_1;
    let words = asks.then(|| approval_terms::in_words(rule)).filter(|words| !words.is_empty())?;
    Some(view! { <span class="rule-terms muted">{words}</span> }.into_any())
}

/// The conditions in words, each with its value in stable if the two differ.
fn condition_chips(editor: EditorState, rule: &RawRule) -> AnyView {
    let stable = editor.results.stable();
    let before = stable.as_ref().and_then(|stable| stable.rule(rule::id(rule)));
    let was = |key: &str, value: &Value| -> Option<Value> {
        rule::conditions(before?)
            .find(|(before, was)| *before == key && plain_text(was) != plain_text(value))
            .map(|(_, was)| was.clone())
    };
    let all = rule::conditions(rule).count();
    if all == 0 {
        return view! { <span class="faint">"always"</span> }.into_any();
    }
    let chips = rule::conditions(rule)
        .take(SHOWN)
        .map(|(key, value)| {
            let chip = match was(key, value) {
                Some(was) => view! { <ConditionChip field=key.clone() value=value.clone() was=was /> }.into_any(),
                None => view! { <ConditionChip field=key.clone() value=value.clone() /> }.into_any(),
            };
            if !editor.document.is_editable() {
                return chip;
            }
            // The row handles the click. Keyboard users reach the same fields through the rule's own button.
            view! {
                <button type="button" class="rule-chip" tabindex="-1" title="Edit this condition" data-condition=key.clone()>
                    {chip}
                </button>
            }
                .into_any()
        })
        .collect_view();
    let more = all.saturating_sub(SHOWN);
    view! {
        {chips}
        {(more > 0).then(|| view! { <span class="muted">{format!("+{more}")}</span> })}
    }
    .into_any()
}
