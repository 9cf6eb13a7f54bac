//! The *Policy map*: which inputs get which answer, drawn over two fields with exact edges.

mod layout;
mod picture;

use std::{collections::BTreeMap, sync::Arc};

use leptos::prelude::*;
use policy::analysis::map::{self, NoMap, PolicyMap, Side, View};
use serde_json::{Map, Value};

use self::picture::Picture;
use super::{
    replaying::{Draft, Ready},
    state::EditorState,
};
use crate::{
    components::{Button, EmptyState, Skeleton, condition_words, facts::values},
    model::{
        condition::{Kind, plain},
        rule,
    },
};

/// Agents and actions offered.
const OFFERED: usize = 300;

/// Other fields that can be set.
const HELD: usize = 16;

/// What is drawn, as chosen.
#[derive(Debug, Clone, PartialEq, Default)]
struct Choice {
    scope: Option<(String, String)>,
    x: Option<String>,
    y: Option<String>,
    /// Values of the other fields as typed; nothing stands for absent.
    held: BTreeMap<String, String>,
}

/// What is drawn, with every choice made.
#[derive(Debug, Clone, PartialEq, Default)]
struct Settled {
    scopes: Vec<(String, String)>,
    scope: (String, String),
    fields: Vec<String>,
    x: String,
    y: String,
}

/// A picture with what it shows.
#[derive(Debug, PartialEq)]
pub struct Drawn {
    /// The picture.
    pub map: PolicyMap,
    /// Who asks.
    pub agent: String,
    /// For what.
    pub action: String,
    /// The field from left to right.
    pub x: String,
    /// The field from bottom to top.
    pub y: String,
    /// All other facts.
    pub fixed: Map<String, Value>,
}

/// The tab.
#[component]
pub fn PolicyMapTab(desk: EditorState) -> impl IntoView {
    let choice = RwSignal::new(Choice::default());
    // Nothing is computed while another tab is open.
    let draft = Memo::new(move |_| desk.draft.get().filter(|_| desk.main.read().as_str() == "map"));
    let settled =
        Memo::new(move |_| draft.get().map(|draft| choice.with(|choice| settle(&draft, choice, hints(desk)))));
    let drawn = Memo::new(move |_| {
        let settled = settled.get()??;
        let draft = draft.get()?;
        Some(Arc::new(choice.with(|choice| draw(desk, &draft, &settled, &choice.held))))
    });
    // The choosers stay where they are while what they offer changes, so that the keyboard keeps its place.
    let ready = Memo::new(move |_| settled.with(|settled| settled.as_ref().map(Option::is_some)));
    let last = Memo::new(move |before: Option<&Settled>| {
        settled.with(|settled| settled.clone().flatten()).or_else(|| before.cloned()).unwrap_or_default()
    });
    move || match ready.get() {
        None => view! { <div class="dock-wait"><Skeleton lines=6 /></div> }.into_any(),
        Some(false) => view! {
            <EmptyState title="Nothing to draw">
                <p>"A map needs rules for one agent and action that look at two different fields."</p>
            </EmptyState>
        }
        .into_any(),
        Some(true) => view! {
            <div class="map">
                <Chooser desk=desk settled=last choice=choice />
                {move || match drawn.get().as_deref() {
                    None => ().into_any(),
                    Some(Err(why)) => view! { <p class="map-none muted">{sentence(*why)}</p> }.into_any(),
                    Some(Ok(drawn)) => view! { <Picture desk=desk drawn=Arc::clone(drawn) /> }.into_any(),
                }}
            </div>
        }
        .into_any(),
    }
}

fn sentence(why: NoMap) -> String {
    let why = why.to_string();
    let mut letters = why.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).chain(['.']).collect()).unwrap_or_default()
}

/// Where to look first: at what changes against stable, else at the rule in the form. Each is an agent, an action, and
/// the fields that matter there. What is not told here is what most rules speak about.
fn hints(desk: EditorState) -> Vec<(String, String, Vec<String>)> {
    let mut hints = Vec::new();
    if let Some(rule) = desk.selected.get_untracked().and_then(|key| desk.rule(key)) {
        let fields = rule::conditions(&rule.0).map(|(key, _)| condition_words(key, &Value::Null).field).collect();
        hints.push((rule::text(&rule.0, "agent").to_owned(), rule::text(&rule.0, "action").to_owned(), fields));
    }
    desk.diff.with_untracked(|diff| {
        for region in diff.iter().flat_map(|diff| &diff.regions) {
            let fields: Vec<String> = region.conditions.iter().map(|phrase| phrase.field.clone()).collect();
            let scopes = region.scopes.iter().filter(|scope| !scope.any_other_agent && !scope.any_other_action);
            hints.extend(scopes.map(|scope| (scope.agent.clone(), scope.action.clone(), fields.clone())));
        }
    });
    hints
}

/// Fills in what was not chosen. None when there are no two fields to draw.
fn settle(draft: &Draft, choice: &Choice, hints: Vec<(String, String, Vec<String>)>) -> Option<Settled> {
    let scopes: Vec<(String, String)> = map::scopes(&draft.bundle).into_iter().take(OFFERED).collect();
    let two = |(agent, action): &&(String, String)| map::fields(&draft.bundle, agent, action).len() >= 2;
    let chosen = choice.scope.as_ref().filter(|scope| scopes.contains(scope));
    let hinted = || {
        hints
            .iter()
            .find_map(|(agent, action, _)| scopes.iter().find(|one| one.0 == *agent && one.1 == *action).filter(two))
    };
    let busiest = || {
        let rules = |one: &(String, String)| {
            draft
                .bundle
                .rules
                .iter()
                .filter(|rule| rule.enabled && rule.agent.matches(&one.0) && rule.action.matches(&one.1))
                .count()
        };
        // Of those that are alike the first, which names come before stand-ins.
        scopes.iter().filter(two).rev().max_by_key(|one| rules(one))
    };
    let scope = chosen.or_else(hinted).or_else(busiest)?.clone();
    let mut fields = map::fields(&draft.bundle, &scope.0, &scope.1);
    // The fields in which something changes come first.
    let wanted = hints.into_iter().find(|(agent, action, _)| *agent == scope.0 && *action == scope.1);
    let wanted = wanted.map(|(.., fields)| fields).unwrap_or_default();
    fields.sort_by_key(|field| !wanted.contains(field));
    let pick = |wanted: &Option<String>, not: Option<&String>| {
        let chosen = wanted.clone().filter(|field| fields.contains(field) && Some(field) != not);
        chosen.or_else(|| fields.iter().find(|field| Some(*field) != not).cloned())
    };
    let x = pick(&choice.x, choice.y.as_ref().filter(|_| choice.x.is_none()))?;
    let y = pick(&choice.y, Some(&x))?;
    Some(Settled { scopes, scope, x, y, fields })
}

fn draw(
    desk: EditorState,
    draft: &Ready,
    settled: &Settled,
    held: &BTreeMap<String, String>,
) -> Result<Arc<Drawn>, NoMap> {
    let fixed: Map<String, Value> = held
        .iter()
        .filter(|(field, typed)| settled.fields.contains(field) && !typed.trim().is_empty())
        .map(|(field, typed)| {
            let kind = Kind::guess(typed.trim());
            (field.clone(), kind.read(typed.trim()).unwrap_or_else(|| Value::from(typed.as_str())))
        })
        .collect();
    let (agent, action) = settled.scope.clone();
    let view = View { agent: &agent, action: &action, x: &settled.x, y: &settled.y, fixed: &fixed };
    let stable = desk.stable.get_value();
    let before = stable.as_ref().map(|stable| Side { bundle: &stable.bundle, prepared: stable.prepared() });
    let map = map::map(Side { bundle: &draft.bundle, prepared: draft.prepared() }, before, view)?;
    Ok(Arc::new(Drawn { map, agent, action, x: settled.x.clone(), y: settled.y.clone(), fixed }))
}

/// Agent and action, the two fields, and what the others are held at.
#[component]
fn Chooser(desk: EditorState, settled: Memo<Settled>, choice: RwSignal<Choice>) -> impl IntoView {
    let others = Memo::new(move |_| {
        settled.with(|now| {
            let held = now.fields.iter().filter(|field| **field != now.x && **field != now.y);
            held.take(HELD).cloned().collect::<Vec<_>>()
        })
    });
    let scopes = Memo::new(move |_| settled.with(|now| (now.scopes.clone(), now.scope.clone())));
    let pick_scope = move |event: leptos::ev::Event| {
        let at: usize = event_target_value(&event).parse().unwrap_or_default();
        let scope = settled.with_untracked(|now| now.scopes.get(at).cloned());
        choice.set(Choice { scope, ..Choice::default() });
    };
    // The other axis is written down, too, so that choosing one does not move it.
    let pick = move |across: bool, field: String| {
        let Settled { x, y, .. } = settled.get_untracked();
        let (x, y) = match across {
            true if field == y => (field, x),
            true => (field, y),
            false if field == x => (y, field),
            false => (x, field),
        };
        choice.update(|choice| (choice.x, choice.y) = (Some(x), Some(y)));
    };
    let swap = move |_| pick(true, settled.with_untracked(|now| now.y.clone()));
    let take = move |_| {
        let asked = desk.asked.get_untracked();
        let held = values(&asked.context).into_iter().map(|(field, value)| (field, plain(&value)));
        choice.update(|choice| choice.held = held.collect());
    };
    view! {
        <div class="map-chooser">
            <label>
                <span>"Agent · action"</span>
                <select class="input input-small" on:change=pick_scope>
                    {move || {
                        let (scopes, now) = scopes.get();
                        scopes
                            .into_iter()
                            .enumerate()
                            .map(|(at, one)| {
                                view! {
                                    <option value=at.to_string() selected=one == now>{format!("{} · {}", one.0, one.1)}</option>
                                }
                            })
                            .collect_view()
                    }}
                </select>
            </label>
            {[("Across", true), ("Up", false)]
                .map(|(label, across)| {
                    view! {
                        <label>
                            <span>{label}</span>
                            <select class="input input-small" on:change=move |event| pick(across, event_target_value(&event))>
                                {move || {
                                    let Settled { fields, x, y, .. } = settled.get();
                                    let now = if across { x } else { y };
                                    fields
                                        .into_iter()
                                        .map(|field| view! { <option value=field.clone() selected=field == now>{field.clone()}</option> })
                                        .collect_view()
                                }}
                            </select>
                        </label>
                    }
                })
                .into_iter()
                .collect_view()}
            <Button small=true attr:title="Turn the map: across becomes up" on_click=swap>"Swap"</Button>
            <Show when=move || others.with(|others| !others.is_empty())>
                <fieldset class="map-held">
                    <legend>"Held fixed"</legend>
                    <For each=move || others.get() key=Clone::clone let:field>
                        <Held field=field choice=choice />
                    </For>
                    <Button small=true attr:title="Take the values of the question under One input" on_click=take>
                        "As in One input"
                    </Button>
                </fieldset>
            </Show>
        </div>
    }
}

/// The value one other field is held at.
#[component]
fn Held(field: String, choice: RwSignal<Choice>) -> impl IntoView {
    let (name, wanted) = (StoredValue::new(field.clone()), field.clone());
    let value = Memo::new(move |_| choice.with(|choice| choice.held.get(&wanted).cloned().unwrap_or_default()));
    view! {
        <label>
            <span class="mono">{field}</span>
            <input
                class="input input-small"
                placeholder="absent"
                autocomplete="off"
                prop:value=value
                on:change=move |event| {
                    let typed = event_target_value(&event);
                    choice.update(|choice| drop(choice.held.insert(name.get_value(), typed)));
                }
            />
        </label>
    }
}
