//! One rule of the table.

use std::sync::Arc;

use leptos::prelude::*;
use policy::lint::Severity;
use serde_json::Value;
use wasm_bindgen::JsCast;

use super::{
    analysis::code_words,
    drag, inline,
    stable::{Shared, Stable},
    state::EditorState,
};
use crate::{
    components::{Chip, ConditionChip, EffectBadge, Switch, Tone, format},
    model::{Edit, Key, Written, condition::plain, order::Direction, rule},
};

/// Conditions drawn in a row; the rest is counted.
const SHOWN: usize = 6;

/// One rule: its switch, priority, id, whom it speaks about, its conditions and its effect.
#[component]
pub fn RuleRow(desk: EditorState, rule_key: Key) -> impl IntoView {
    let key = rule_key;
    let written = Memo::new(move |_| desk.rule(key).unwrap_or_else(|| Shared(Arc::default())));
    let id = Memo::new(move |_| written.with(|rule| rule::name(&rule.0).to_owned()));
    let on = Memo::new(move |_| written.with(|rule| rule::enabled(&rule.0)));
    let priority = Memo::new(move |_| written.with(|rule| plain(&rule::priority(&rule.0).into())));
    let effect_name = Memo::new(move |_| written.with(|rule| rule::text(&rule.0, "effect").to_owned()));
    let agent = Memo::new(move |_| written.with(|rule| rule::text(&rule.0, "agent").to_owned()));
    let action = Memo::new(move |_| written.with(|rule| rule::text(&rule.0, "action").to_owned()));
    let selected = Memo::new(move |_| desk.selected.get() == Some(key));
    let marked = Memo::new(move |_| desk.marked.with(|marked| marked.contains(&key)));

    let hits = Memo::new(move |_| hits(desk, key));

    let pick = move |event: leptos::ev::MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let within = |what: &str| target.as_ref().and_then(|target| target.closest(what).ok().flatten());
        if let Some(condition) = within("[data-condition]").and_then(|chip| chip.get_attribute("data-condition")) {
            desk.select_condition(key, condition);
            return;
        }
        if within("button, input, label, select").is_some() {
            return;
        }
        if event.ctrl_key() || event.meta_key() {
            toggle_mark(desk, key);
        } else {
            desk.select(key);
        }
    };
    view! {
        <tr
            class="rule-row"
            class:is-selected=selected
            class:is-off=move || !on.get()
            class:is-marked=marked
            class:is-dragged=move || desk.dragged.with(|dragged| dragged.contains(&key))
            class:drop-before=move || desk.drop_at.get() == Some((key, Direction::Up))
            class:drop-behind=move || desk.drop_at.get() == Some((key, Direction::Down))
            data-rule=key.0.to_string()
            on:click=pick
            on:dragover=move |event| drag::over(desk, key, &event)
            on:drop=move |event| drag::drop(desk, key, &event)
        >
            <td class="rule-mark">
                <input
                    type="checkbox"
                    aria-label=move || format!("Mark {}", id.get())
                    disabled=!desk.editable
                    prop:checked=marked
                    on:change=move |_| toggle_mark(desk, key)
                />
            </td>
            <td class="rule-on">
                {move || {
                    view! {
                        <Switch
                            label=format!("Enable {}", id.get())
                            on=on
                            disabled=!desk.editable
                            on_toggle=move |on| desk.act(&Edit::Enable { keys: vec![key], on })
                        />
                    }
                }}
            </td>
            <td class="rule-priority num">
                <drag::Handle desk=desk rule_key=key />
                <inline::Priority desk=desk rule_key=key name=id value=priority />
            </td>
            <th scope="row" class="rule-name">
                <button type="button" class="rule-open" aria-pressed=move || selected.get().to_string() on:click=move |_| desk.select(key)>
                    {id}
                </button>
                {move || written.with(|rule| change(desk, &rule.0)).map(|words| view! { <span class="rule-change">{words}</span> })}
                {move || flag(desk, key)}
            </th>
            <td class="rule-scope">{move || breakable(&agent.get())} " · " {action}</td>
            <td class="rule-when">
                <span class="rule-chips">{move || written.with(|rule| chips(desk, &rule.0))}</span>
            </td>
            <td class="rule-effect">
                {move || written.with(|rule| effect(&rule.0))}
                <inline::EffectOf desk=desk rule_key=key name=id value=effect_name />
            </td>
            <td class="rule-hits num">{hits}</td>
        </tr>
    }
}

fn toggle_mark(desk: EditorState, key: Key) {
    desk.marked.update(|marked| {
        if !marked.remove(&key) {
            marked.insert(key);
        }
    });
}

/// How many of the replayed cases the rule decides, a day where that is known.
fn hits(desk: EditorState, key: Key) -> Option<String> {
    desk.replayed.with(|replayed| {
        let replayed = replayed.as_ref()?;
        let hits = replayed.hits.get(&key).copied().unwrap_or_default();
        Some(match replayed.per_day(hits) {
            Some(daily) if daily > 0.0 && daily < 10.0 => format!("{daily:.1}"),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, at least 0")]
            Some(daily) => format::count(daily.round() as u64),
            None => format::count(hits as u64),
        })
    })
}

/// Whether the rule is new or edited against stable, as the *Changes* tab says.
fn change(desk: EditorState, rule: &Written) -> Option<&'static str> {
    desk.marks.with(|marks| marks.get(rule::id(rule)).copied())
}

/// A dotted name that breaks after its dots rather than within a word.
fn breakable(name: &str) -> Vec<AnyView> {
    name.split_inclusive('.').map(|part| view! { {part.to_owned()} <wbr /> }.into_any()).collect()
}

/// The worst thing the linter says about the rule.
fn flag(desk: EditorState, key: Key) -> Option<impl IntoView> {
    let finding = desk
        .flags
        .with(|flags| flags.get(&key).map(|finding| (finding.code, finding.severity, finding.message.clone())));
    finding.map(|(code, severity, message)| {
        let (tone, sign) = match severity {
            Severity::Error => (Tone::Bad, "✕"),
            Severity::Warning => (Tone::Warn, "▲"),
            Severity::Info => (Tone::Neutral, "i"),
        };
        view! {
            <span class="rule-flag" title=message>
                <Chip tone=tone sign=sign>{code_words(code)}</Chip>
            </span>
        }
    })
}

fn effect(rule: &Written) -> AnyView {
    match rule::effect(rule) {
        Some(effect) => view! { <EffectBadge effect=effect /> }.into_any(),
        None => {
            let written = rule::text(rule, "effect").to_owned();
            let words = if written.is_empty() { "no effect".to_owned() } else { format!("“{written}”?") };
            view! { <Chip tone=Tone::Bad sign="?">{words}</Chip> }.into_any()
        }
    }
}

/// The conditions in words, with the value each had in stable when it moved.
fn chips(desk: EditorState, rule: &Written) -> AnyView {
    let stable: Option<Arc<Stable>> = desk.stable.get_value();
    let before = stable.as_ref().and_then(|stable| stable.rule(rule::id(rule)));
    let was = |key: &str, value: &Value| -> Option<Value> {
        rule::conditions(before?)
            .find(|(before, was)| *before == key && plain(was) != plain(value))
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
            if !desk.editable {
                return chip;
            }
            // The row hears the click. From the keyboard the rule's own button leads to the same fields.
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
