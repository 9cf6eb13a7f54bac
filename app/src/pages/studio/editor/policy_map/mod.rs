//! The *Policy map*: which inputs get which answer, drawn over two fields with exact edges.

mod axes;
mod drawn_map;
mod layout;
mod picture;

use std::{collections::BTreeMap, sync::Arc};

use leptos::prelude::*;
use policy::analysis::map::{self, NoMap, Side, View};
use serde_json::{Map, Value};

use self::{
    axes::{Axes, Choice},
    drawn_map::DrawnMap,
    picture::Picture,
};
use super::state::{EditorState, MainTab, parsed_draft::ParsedDraft};
use crate::{
    components::{Button, EmptyState, Skeleton, facts::values},
    model::condition::{ValueKind, plain_text},
};

/// Maximum number of other fields that can be held at a value.
const MAX_HELD: usize = 16;

/// The tab.
#[component]
pub fn PolicyMapTab(editor: EditorState) -> impl IntoView {
    let choice = RwSignal::new(Choice::default());
    // Nothing is computed while another tab is open.
    let draft = Memo::new(move |_| editor.results.draft().get().filter(|_| editor.panes.main().get() == MainTab::Map));
    let axes = Memo::new(move |_| {
        draft.get().map(|draft| choice.with(|choice| axes::complete(&draft, choice, axes::hints(editor))))
    });
    let drawn = Memo::new(move |_| {
        let axes = axes.get()??;
        let draft = draft.get()?;
        Some(Arc::new(choice.with(|choice| draw(editor, &draft, &axes, &choice.held))))
    });
    // The choosers stay in the page while their choices change, so that they keep the focus.
    let ready = Memo::new(move |_| axes.with(|axes| axes.as_ref().map(Option::is_some)));
    let last = Memo::new(move |before: Option<&Axes>| {
        axes.with(|axes| axes.clone().flatten()).or_else(|| before.cloned()).unwrap_or_default()
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
                <Chooser editor=editor axes=last choice=choice />
                {move || match drawn.get().as_deref() {
                    None => ().into_any(),
                    Some(Err(why)) => view! { <p class="map-none muted">{sentence(*why)}</p> }.into_any(),
                    Some(Ok(drawn)) => view! { <Picture editor=editor drawn=Arc::clone(drawn) /> }.into_any(),
                }}
            </div>
        }
        .into_any(),
    }
}

/// The reason why there is no map, as a sentence.
fn sentence(why: NoMap) -> String {
    let why = why.to_string();
    let mut letters = why.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).chain(['.']).collect()).unwrap_or_default()
}

/// Draws the map for `axes`.
fn draw(
    editor: EditorState,
    draft: &ParsedDraft,
    axes: &Axes,
    held: &BTreeMap<String, String>,
) -> Result<Arc<DrawnMap>, NoMap> {
    let fixed: Map<String, Value> = held
        .iter()
        .filter(|(field, typed)| axes.fields.contains(field) && !typed.trim().is_empty())
        .map(|(field, typed)| {
            let kind = ValueKind::guess(typed.trim());
            (field.clone(), kind.read(typed.trim()).unwrap_or_else(|| Value::from(typed.as_str())))
        })
        .collect();
    let (agent, action) = axes.scope.clone();
    let view = View { agent: &agent, action: &action, x: &axes.x, y: &axes.y, fixed: &fixed };
    let stable = editor.results.stable();
    let before = stable.as_ref().map(|stable| Side { bundle: &stable.bundle, prepared: stable.prepared() });
    let map = map::map(Side { bundle: &draft.bundle, prepared: draft.prepared() }, before, view)?;
    Ok(Arc::new(DrawnMap { map, agent, action, x: axes.x.clone(), y: axes.y.clone(), fixed }))
}

/// The choice of agent and action, of the two fields, and of the values that the other fields are held at.
#[component]
fn Chooser(editor: EditorState, axes: Memo<Axes>, choice: RwSignal<Choice>) -> impl IntoView {
    let others = Memo::new(move |_| {
        axes.with(|now| {
            let held = now.fields.iter().filter(|field| **field != now.x && **field != now.y);
            held.take(MAX_HELD).cloned().collect::<Vec<_>>()
        })
    });
    let scopes = Memo::new(move |_| axes.with(|now| (now.scopes.clone(), now.scope.clone())));
    let pick_scope = move |event: leptos::ev::Event| {
        let at: usize = event_target_value(&event).parse().unwrap_or_default();
        let scope = axes.with_untracked(|now| now.scopes.get(at).cloned());
        choice.set(Choice { scope, ..Choice::default() });
    };
    // The other axis is set too, so that choosing one axis does not move the other.
    let pick = move |across: bool, field: String| {
        let Axes { x, y, .. } = axes.get_untracked();
        let (x, y) = match across {
            true if field == y => (field, x),
            true => (field, y),
            false if field == x => (y, field),
            false => (x, field),
        };
        choice.update(|choice| (choice.x, choice.y) = (Some(x), Some(y)));
    };
    let swap = move |_| pick(true, axes.with_untracked(|now| now.y.clone()));
    let take = move |_| {
        let input = editor.panes.input().get_untracked();
        let held = values(&input.context).into_iter().map(|(field, value)| (field, plain_text(&value)));
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
                                    let Axes { fields, x, y, .. } = axes.get();
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

/// The field for the value that one other field is held at.
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
